//! A session of Claude Code that is being written, read as it grows; and the feed of its run for the dashboard.

use super::failure::Failure;
use super::tail::{Look, Tail};
use crate::import::{Follower, NotFollowed};
use crate::run::{CommandError, EventKind, FoldedRun, RunCommand, RunEvent};
use crate::session::Settings;
use crate::tui::Feed;
use crate::units::Micros;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::VecDeque;
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
    /// Whether something is shown before a long file is read, and how much of it has to be read for the next time.
    is_shown_early: bool,
    next_early: u64,
    was_shown_early: bool,
    /// When a line was written last, until what it leaves open was told.
    unsettled: Option<Instant>,
    is_gone: bool,
}

/// What one look brought.
#[derive(Default)]
pub(super) struct News {
    pub(super) events: Vec<RunEvent>,
    /// What takes the place of all events so far, which were shown early.
    pub(super) whole: Option<Box<FoldedRun>>,
    pub(super) notices: Vec<String>,
    /// Whether there is more to read at once.
    pub(super) has_more: bool,
    /// How much of the file is read, where there is more.
    pub(super) read_percent: Option<u8>,
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
            is_shown_early: false,
            next_early: 0,
            was_shown_early: false,
            unsettled: None,
            is_gone: false,
        })
    }

    /// From now on there are events before a long file is read to its end. What takes their place then is [`News::whole`].
    pub(super) fn show_early(mut self) -> Self {
        self.is_shown_early = true;
        self
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
            read_percent: look.has_more.then(|| percent(look.read, look.left)),
            ..News::default()
        };
        if look.has_lines {
            let now = Instant::now();
            let written = now.checked_sub(self.tail.age());
            self.unsettled = Some(written.unwrap_or(now));
        }
        news.events = if look.has_more {
            // The first steps of a long file are told together, and shown before.
            if self.is_early(look) {
                self.follower.early_events()
            } else {
                Vec::new()
            }
        } else if self.unsettled.is_some_and(|since| since.elapsed() >= QUIET) {
            self.unsettled = None;
            self.follower.settle()
        } else {
            self.follower.events()
        };
        if !look.has_more && std::mem::take(&mut self.was_shown_early) {
            let events = std::mem::take(&mut news.events);
            news.whole = Some(Box::new(FoldedRun::of(events)));
        }
        news.notices = self.follower.notices();
        if look.has_restarted {
            self.follower.restart();
            (self.next_early, self.was_shown_early) = (0, false);
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
        news.is_over = !look.has_more && self.follower.is_over();
        Ok(news)
    }

    /// Whether it is time to show what was read of a long file: each time that it is twice as much, and not where most of it
    /// is read, since all of it is told again then.
    fn is_early(&mut self, look: Look) -> bool {
        let is_early = self.is_shown_early
            && look.has_lines
            && look.read >= self.next_early
            && look.left >= look.read;
        if is_early {
            self.next_early = look.read * 2;
            self.was_shown_early = true;
        }
        is_early
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

fn percent(read: u64, left: u64) -> u8 {
    let percent = read.saturating_mul(100) / read.saturating_add(left).max(1);
    u8::try_from(percent).unwrap_or(100)
}

/// What the file tells, in order.
enum Told {
    Events(Vec<RunEvent>),
    Whole(Box<FoldedRun>),
    Notice(String),
    /// How much of the file is read; `None` once it is.
    Read(Option<u8>),
}

/// The run of a session that is being written. It takes no commands.
pub(super) struct FollowFeed {
    told: mpsc::UnboundedReceiver<Told>,
    /// Events and notices that wait to be taken.
    events: VecDeque<RunEvent>,
    notices: Vec<String>,
    /// What takes the place of everything that was taken, before the events that wait.
    whole: Option<Box<FoldedRun>>,
    /// How much of the file is read, until it is.
    read_percent: Option<u8>,
    started: Option<Timestamp>,
    has_ended: bool,
    /// When the last event happened.
    at: Micros,
    follower: JoinHandle<()>,
}

impl FollowFeed {
    /// Follows it from now on; `first` is what was read of it already.
    pub(super) fn new(followed: Followed, first: News) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        Self {
            told,
            events: VecDeque::new(),
            notices: Vec::new(),
            whole: None,
            read_percent: first.read_percent,
            started: None,
            has_ended: false,
            at: Micros(0),
            follower: tokio::spawn(follow(followed, first, tell)),
        }
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Events(events) => self.events.extend(events),
            Told::Whole(whole) => {
                self.events.clear();
                for event in whole.history.events() {
                    Self::note(&mut self.started, &mut self.has_ended, event);
                }
                self.at = self.at.max(whole.state.at);
                self.whole = Some(whole);
            }
            Told::Notice(words) => self.notices.push(words),
            Told::Read(percent) => self.read_percent = percent,
        }
    }

    fn hear_all(&mut self) {
        while let Ok(told) = self.told.try_recv() {
            self.hear(told);
        }
    }

    /// Keeps what the time depends on.
    fn note(started: &mut Option<Timestamp>, has_ended: &mut bool, event: &RunEvent) {
        match &event.kind {
            EventKind::RunStarted(header) => {
                *started = header.started_at.parse().ok();
                *has_ended = false;
            }
            EventKind::RunEnded { .. } => *has_ended = true,
            EventKind::RunReopened => *has_ended = false,
            _ => {}
        }
    }
}

async fn follow(followed: Followed, first: News, tell: mpsc::UnboundedSender<Told>) {
    let is_over = first.is_over;
    let mut read = first.read_percent;
    let mut pass_on = |news: News| {
        let all = news.notices.into_iter().map(Told::Notice);
        let all = all.chain(news.whole.map(Told::Whole));
        let all = all.chain((!news.events.is_empty()).then_some(Told::Events(news.events)));
        let is_other = std::mem::replace(&mut read, news.read_percent) != news.read_percent;
        let all = all.chain(is_other.then_some(Told::Read(news.read_percent)));
        for told in all {
            // The task is stopped once nobody hears it.
            let _ = tell.send(told);
        }
        Ok(())
    };
    let done = match pass_on(first) {
        Ok(()) if !is_over => followed.follow(pass_on).await,
        done => done,
    };
    if let Err(failure) = done {
        let _ = tell.send(Told::Read(None));
        let _ = tell.send(Told::Notice(failure.message()));
    }
}

impl Drop for FollowFeed {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Feed for FollowFeed {
    fn take(&mut self, into: &mut Vec<RunEvent>, most: usize) {
        self.hear_all();
        if self.whole.is_some() {
            return;
        }
        let count = self.events.len().min(most);
        for event in self.events.drain(..count) {
            self.at = event.at;
            Self::note(&mut self.started, &mut self.has_ended, &event);
            into.push(event);
        }
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }

    fn whole(&mut self) -> Option<Box<FoldedRun>> {
        self.whole.take()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if !self.events.is_empty() || !self.notices.is_empty() || self.whole.is_some() {
                return;
            }
            match self.told.recv().await {
                Some(told) => self.hear(told),
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn command(&mut self, _: RunCommand) -> Result<(), CommandError> {
        Err(CommandError::RunOver)
    }

    fn notices(&mut self) -> Vec<String> {
        self.hear_all();
        std::mem::take(&mut self.notices)
    }

    fn read_percent(&self) -> Option<u8> {
        self.read_percent
    }

    fn now(&self) -> Micros {
        // Until the file is read, nobody knows whether the run has ended.
        let is_going_on = !self.has_ended && self.read_percent.is_none();
        let passed = self.started.filter(|_| is_going_on).map(|started| {
            let passed = Timestamp::now().duration_since(started);
            u64::try_from(passed.as_micros()).unwrap_or(0)
        });
        passed.map_or(self.at, |passed| Micros(passed).max(self.at))
    }
}
