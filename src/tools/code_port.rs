//! Where the code of a call has other tools called.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// What code asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum CodeRequest {
    /// A call of a tool.
    Call {
        /// What the code calls the call by.
        number: u32,
        /// The tool.
        tool: Arc<str>,
        /// The parameters, an object.
        input: Arc<Value>,
    },
    /// It can do nothing until one of its calls has ended.
    Waits {
        /// How many answers it has seen to calls that were made.
        answered: u32,
        /// How many answers of this port it has seen in all.
        told: u32,
    },
}

/// What became of a call that code has made.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeAnswer {
    /// What the code calls the call by.
    pub number: u32,
    /// The output, or why there is none.
    pub outcome: Result<Arc<Value>, Arc<str>>,
    /// Whether the call was made at all: one that was not does not count as an answer.
    pub is_made: bool,
}

/// Takes a request; whether somebody has taken it.
type Send = Arc<dyn Fn(CodeRequest) -> BoxFuture<'static, bool> + std::marker::Send + Sync>;

/// Where the code of a call has other tools called; nowhere by default.
#[derive(Clone, Default)]
pub struct CodePort(Option<Arc<Port>>);

struct Port {
    tools: Arc<[Arc<str>]>,
    send: Send,
    answers: Mutex<mpsc::UnboundedReceiver<CodeAnswer>>,
}

impl CodePort {
    /// A port that reaches these tools and passes requests to `send`, and where its answers are sent.
    pub fn new(
        tools: Arc<[Arc<str>]>,
        send: impl Fn(CodeRequest) -> BoxFuture<'static, bool> + std::marker::Send + Sync + 'static,
    ) -> (Self, mpsc::UnboundedSender<CodeAnswer>) {
        let (answers, receiver) = mpsc::unbounded_channel();
        let port = Port {
            tools,
            send: Arc::new(send),
            answers: Mutex::new(receiver),
        };
        (Self(Some(Arc::new(port))), answers)
    }

    /// The tools that can be called.
    pub fn tools(&self) -> &[Arc<str>] {
        self.0.as_ref().map_or(&[], |port| &port.tools)
    }

    /// Asks; whether somebody answers.
    pub(super) fn ask(&self, request: CodeRequest) -> BoxFuture<'static, bool> {
        match &self.0 {
            Some(port) => (port.send)(request),
            None => futures::future::ready(false).boxed(),
        }
    }

    /// Waits for the next answer, for ever where none can come.
    pub(super) async fn answer(&self) -> CodeAnswer {
        if let Some(port) = &self.0
            && let Some(answer) = port.answers.lock().await.recv().await
        {
            return answer;
        }
        std::future::pending().await
    }
}

impl fmt::Debug for CodePort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodePort").field(&self.tools()).finish()
    }
}
