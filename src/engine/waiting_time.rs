//! The time in which a call waits for the user, or its code for calls that it has made. It does not count against the time
//! limit of the call.

use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

#[derive(Clone, Copy, Debug, Default)]
struct Waited {
    /// What it waits for, and since when it does.
    open: u32,
    since: Option<Instant>,
    /// How long there were some before.
    total: Duration,
}

/// How long a call has waited for others.
#[derive(Clone, Debug, Default)]
pub(super) struct WaitingTime(watch::Sender<Waited>);

/// The call waits until this is dropped.
pub(super) struct OpenWait(watch::Sender<Waited>);

impl WaitingTime {
    /// The call waits from now on.
    pub(super) fn begin(&self) -> OpenWait {
        self.0.send_modify(|waited| {
            waited.open += 1;
            waited.since.get_or_insert_with(Instant::now);
        });
        OpenWait(self.0.clone())
    }

    /// What `work` comes to; `None` where it takes longer than `limit`, the time in which it waits left out.
    pub(super) async fn limited<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let started = Instant::now();
        let mut changes = self.0.subscribe();
        tokio::pin!(work);
        loop {
            let waited = *changes.borrow_and_update();
            let over = async {
                match waited.since {
                    Some(_) => std::future::pending().await,
                    None => sleep_until(started + limit + waited.total).await,
                }
            };
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                _ = changes.changed() => {}
                () = over => return None,
            }
        }
    }
}

impl Drop for OpenWait {
    fn drop(&mut self) {
        self.0.send_modify(|waited| {
            waited.open = waited.open.saturating_sub(1);
            if waited.open == 0
                && let Some(since) = waited.since.take()
            {
                waited.total += since.elapsed();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::sleep;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_time_of_the_user_is_left_out() {
        let time = WaitingTime::default();
        let asked = async {
            sleep(SECOND).await;
            let (first, second) = (time.begin(), time.begin());
            sleep(100 * SECOND).await;
            drop(first);
            sleep(100 * SECOND).await;
            drop(second);
            sleep(SECOND).await;
        };
        assert_eq!(time.limited(3 * SECOND, asked).await, Some(()));
        let began = Instant::now();
        let slow = async {
            let wait = time.begin();
            sleep(50 * SECOND).await;
            drop(wait);
            sleep(10 * SECOND).await;
        };
        let fresh = WaitingTime::default();
        assert_eq!(fresh.limited(3 * SECOND, slow).await, None);
        assert_eq!(began.elapsed(), 3 * SECOND, "somebody else is asked");
    }
}
