//! A session of Claude Code that is being written, read as it grows; and the feed of its run for the dashboard.

use super::failure::Failure;
use super::tail::Tail;
use crate::engine::{EventReader, EventSender, event_channel};
use crate::import::{Follower, NotFollowed};
use crate::run::{CommandError, EventKind, RunCommand, RunEvent};
use crate::session::Settings;
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the file is looked at. A look at a file that has not changed asks the system for its length.
const EVERY: Duration = Duration::from_millis(200);
/// How long nothing may come until the last message of a model counts as whole.
const QUIET: Duration = Duration::from_secs(3);

/// The file, and what was made of it.
pub(super) struct Followed {
    path: PathBuf,
    tail: Tail,
    follower: Follower,
    /// When a line was written last, until what it leaves open was told.
    unsettled: Option<Instant>,
    is_gone: bool,
}

/// What one look brought.
#[derive(Default)]
pub(super) struct News {
    pub(super) events: Vec<RunEvent>,
    pub(super) notices: Vec<String>,
    /// Whether there is more to read at once.
    pub(super) has_more: bool,
    /// Whether the session said that it is over.
    pub(super) is_over: bool,
}

impl Followed {
    /// The session in this file, from its beginning.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let prices =
            Settings::load(&std::env::current_dir().unwrap_or_default())?.model_prices()?;
        let title = path.file_stem().unwrap_or_default().to_string_lossy();
        let tail = Tail::open(path);
        let tail = tail.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        let price = move |model: &str, tokens| Some(prices.get(model)?.cost(tokens));
        Ok(Self {
            path: path.to_path_buf(),
            tail,
            follower: Follower::new(&title, price),
            unsettled: None,
            is_gone: false,
        })
    }

    /// What came since the last look.
    pub(super) fn look(&mut self) -> Result<News, Failure> {
        let mut fault: Option<NotFollowed> = None;
        let follower = &mut self.follower;
        let looked = self.tail.look(|line| {
            if fault.is_none() {
                fault = follower.line(line).err();
            }
        });
        let failed = |why: String| Failure::usage(format!("{}: {why}", self.path.display()));
        let look = looked.map_err(|error| failed(error.to_string()))?;
        if let Some(fault) = fault {
            return Err(failed(fault.to_string()));
        }
        let mut news = News {
            has_more: look.has_more,
            ..News::default()
        };
        if look.has_lines {
            let now = Instant::now();
            let written = now.checked_sub(self.tail.age());
            self.unsettled = Some(written.unwrap_or(now));
        }
        news.events = if look.has_more {
            // The first steps of a long file are told together.
            Vec::new()
        } else if self.unsettled.is_some_and(|since| since.elapsed() >= QUIET) {
            self.unsettled = None;
            self.follower.settle()
        } else {
            self.follower.events()
        };
        news.notices = self.follower.notices();
        if look.has_restarted {
            self.follower.restart();
            let words = "the file was cut off or replaced: this is what it holds now";
            news.notices.push(words.to_owned());
        }
        if look.has_left_out {
            let words = "a line is longer than 64 MiB and is left out";
            news.notices.push(words.to_owned());
        }
        if look.is_gone && !std::mem::replace(&mut self.is_gone, true) {
            let words = "the file is gone; it is read again where it comes back";
            news.notices.push(words.to_owned());
        }
        self.is_gone = look.is_gone;
        news.is_over = self.follower.is_over();
        Ok(news)
    }

    /// Looks again and again, and gives what is new, until `take` wants no more, the session is over, or the file cannot be
    /// read any more.
    pub(super) async fn follow(
        mut self,
        mut take: impl FnMut(News) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let looked = tokio::task::spawn_blocking(move || {
                let news = self.look();
                (self, news)
            });
            let (this, news) = looked
                .await
                .map_err(|error| Failure::usage(error.to_string()))?;
            self = this;
            let news = news?;
            let (has_more, is_over) = (news.has_more, news.is_over);
            take(news)?;
            if is_over {
                return Ok(());
            }
            if !has_more {
                tokio::time::sleep(EVERY).await;
            }
        }
    }
}

/// The run of a session that is being written. It takes no commands.
pub(super) struct FollowFeed {
    events: EventReader,
    notices: mpsc::UnboundedReceiver<String>,
    /// Notices that wait to be taken.
    waiting: Vec<String>,
    started: Option<Timestamp>,
    has_ended: bool,
    /// When the last event happened.
    at: Micros,
    follower: JoinHandle<()>,
}

impl FollowFeed {
    /// Follows it from now on; `first` is what was read of it already.
    pub(super) fn new(followed: Followed, first: News) -> Self {
        let (sender, events) = event_channel();
        let (tell, notices) = mpsc::unbounded_channel();
        Self {
            events,
            notices,
            waiting: Vec::new(),
            started: None,
            has_ended: false,
            at: Micros(0),
            follower: tokio::spawn(follow(followed, first, sender, tell)),
        }
    }
}

async fn follow(
    followed: Followed,
    first: News,
    sender: EventSender,
    tell: mpsc::UnboundedSender<String>,
) {
    let is_over = first.is_over;
    let pass_on = |news: News| {
        for notice in news.notices {
            let _ = tell.send(notice);
        }
        if !news.events.is_empty() {
            sender.append(news.events);
        }
        Ok(())
    };
    let done = match pass_on(first) {
        Ok(()) if !is_over => followed.follow(pass_on).await,
        done => done,
    };
    if let Err(failure) = done {
        let _ = tell.send(failure.message());
    }
}

impl Drop for FollowFeed {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Feed for FollowFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        let from = into.len();
        self.events.take(into, most);
        for event in &into[from..] {
            self.at = event.at;
            match &event.kind {
                EventKind::RunStarted(header) => {
                    self.started = header.started_at.parse().ok();
                    self.has_ended = false;
                }
                EventKind::RunEnded { .. } => self.has_ended = true,
                EventKind::RunReopened => self.has_ended = false,
                _ => {}
            }
        }
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if !self.waiting.is_empty() {
                return;
            }
            tokio::select! {
                () = self.events.changed() => {}
                Some(notice) = self.notices.recv() => self.waiting.push(notice),
            }
        }
        .boxed()
    }

    fn command(&mut self, _: RunCommand) -> Result<(), CommandError> {
        Err(CommandError::RunOver)
    }

    fn notices(&mut self) -> Vec<String> {
        while let Ok(notice) = self.notices.try_recv() {
            self.waiting.push(notice);
        }
        std::mem::take(&mut self.waiting)
    }

    fn now(&self) -> Micros {
        let passed = self.started.filter(|_| !self.has_ended).map(|started| {
            let passed = Timestamp::now().duration_since(started);
            u64::try_from(passed.as_micros()).unwrap_or(0)
        });
        passed.map_or(self.at, |passed| Micros(passed).max(self.at))
    }
}
