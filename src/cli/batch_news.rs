//! What is read of a batch elsewhere in this process, on its way to whoever shows it.

use crate::tui::batch::BatchNews;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The receiving end.
pub(super) struct NewsQueue {
    news: UnboundedReceiver<BatchNews>,
    next: Option<BatchNews>,
}

impl NewsQueue {
    /// An empty queue, and the end that fills it.
    pub(super) fn new() -> (UnboundedSender<BatchNews>, Self) {
        let (send, news) = unbounded_channel();
        (send, Self { news, next: None })
    }

    /// The next that has come already.
    pub(super) fn take(&mut self) -> Option<BatchNews> {
        self.next.take().or_else(|| self.news.try_recv().ok())
    }

    /// Waits until there is something to take.
    pub(super) async fn changed(&mut self) {
        if self.next.is_none() {
            match self.news.recv().await {
                Some(news) => self.next = Some(news),
                None => std::future::pending().await,
            }
        }
    }
}
