//! A thread that writes one journal after another.
//!
//! Runs of a batch hand such threads on. A thread for each run would leave the allocators with a little more memory each
//! time, since they keep some of what a thread that has ended had.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

type Job = Box<dyn FnOnce() + Send>;

/// A thread that waits for work. It ends when this is dropped, which waits for it.
#[derive(Debug)]
pub(super) struct WriterThread {
    jobs: Option<SyncSender<Job>>,
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Starts a thread.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub(super) fn start() -> io::Result<Self> {
        let (jobs, inbox) = sync_channel::<Job>(1);
        let (tell, ended) = sync_channel(1);
        let work = move || {
            for job in inbox {
                job();
                if tell.send(()).is_err() {
                    break;
                }
            }
        };
        let thread = Builder::new().name("journal".to_owned()).spawn(work)?;
        Ok(Self {
            jobs: Some(jobs),
            ended,
            thread: Some(thread),
        })
    }

    /// Has it do this, after what it was given before.
    pub(super) fn begin(&self, job: impl FnOnce() + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            // Where the thread has panicked, the job is dropped, and whoever waits for it sees that.
            let _ = jobs.send(Box::new(job));
        }
    }

    /// Waits for the end of what it was given first. Whether it can be given more: a panic ends it.
    pub(super) fn wait(&self) -> bool {
        self.ended.recv().is_ok()
    }
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::current;

    #[test]
    fn one_thread_does_one_job_after_another_until_one_panics() {
        let thread = WriterThread::start().unwrap();
        let (tell, told) = sync_channel(4);
        for _ in 0..2 {
            let tell = tell.clone();
            thread.begin(move || tell.send(current().id()).unwrap());
            assert!(thread.wait());
        }
        assert_eq!(told.recv().unwrap(), told.recv().unwrap());
        thread.begin(|| std::panic::resume_unwind(Box::new("a job that fails")));
        assert!(!thread.wait());
        thread.begin(move || drop(tell));
        assert!(!thread.wait());
        assert!(told.recv().is_err(), "a job that is not done is dropped");
    }
}
