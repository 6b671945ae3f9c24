//! A session of Claude Code that is still being written: its lines in, the events of its run out.
//!
//! The lines that are there at first make a run with the steps that they tell of; each further batch of lines adds steps,
//! starts them and ends them. What was read is not read again, and inputs and outputs are not kept once they were told.
//!
//! A message of a model comes in pieces, and not every version says with which it ends. It is over with the reason why it
//! stopped, when its line of thought goes on, or when nothing more came for a while ([`Follower::settle`]). A piece that
//! comes later still is added to its output.

use super::MOST_SPANS;
use super::claude_code::{Session, is_of_session, line as read_line};
use crate::run::RunEvent;
use crate::units::{Micros, Money, Tokens};
use jiff::Timestamp;
use serde_json::Value;
use telling::{Teller, Telling};

mod telling;

/// What the file is, in words.
const FORMAT: &str = "a Claude Code session";

/// Lines after which a file that has none of a session is something else.
const MOST_OTHER_LINES: usize = 20;

/// Why a file cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotFollowed(String);

/// What a model call with these tokens costs by the name of its model.
type Price = Box<dyn Fn(&str, Tokens) -> Option<Money> + Send>;

/// Turns the lines of a session into events as they come.
pub struct Follower {
    name: String,
    price: Price,
    session: Session,
    is_session: bool,
    lines: usize,
    telling: Telling,
    /// What is needed to tell everything again, where [`Follower::early_events`] told a part of it.
    early: Option<Early>,
    /// Whether it has as many spans as are read.
    is_full: bool,
    /// The last line of a run without a user, which says how it ended.
    result: Option<Value>,
    notices: Vec<String>,
}

/// What was told early.
struct Early {
    /// The moment and the number of the first event.
    first: (Micros, u64),
    /// The places of the spans that are over.
    over: Vec<usize>,
}

impl Follower {
    /// One for the file of this name.
    pub fn new(name: &str, price: impl Fn(&str, Tokens) -> Option<Money> + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            price: Box::new(price),
            session: Session::default(),
            is_session: false,
            lines: 0,
            telling: Telling::new(Micros(0), 0),
            early: None,
            is_full: false,
            result: None,
            notices: Vec::new(),
        }
    }

    /// Takes in a whole line.
    ///
    /// # Errors
    /// Where the file is no session of Claude Code.
    pub fn line(&mut self, line: &str) -> Result<(), NotFollowed> {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() {
            return Ok(());
        }
        self.lines += 1;
        let other = || {
            let what = format!("it is not {FORMAT}, and nothing else can be followed");
            Err(NotFollowed(what))
        };
        let mut entry = match read_line(line) {
            Ok(entry) => entry,
            Err(_) if !self.is_session => return other(),
            Err(error) => {
                let what = format!("line {} is left out: {error}", self.lines);
                self.notices.push(what);
                return Ok(());
            }
        };
        self.is_session |= is_of_session(&entry);
        if !self.is_session && self.lines > MOST_OTHER_LINES {
            return other();
        }
        if self.session.recorded.spans.len() >= MOST_SPANS {
            if !std::mem::replace(&mut self.is_full, true) {
                let what = format!("it has {MOST_SPANS} spans by now: what follows is left out");
                self.notices.push(what);
            }
            return Ok(());
        }
        if entry.get("type").and_then(Value::as_str) == Some("result") {
            self.result = Some(entry);
            return Ok(());
        }
        // What runs without a user says no times; then it happens when it is read.
        if let Some(members) = entry.as_object_mut()
            && !members.contains_key("timestamp")
        {
            members.insert("timestamp".to_owned(), Timestamp::now().to_string().into());
        }
        self.session.take(entry);
        Ok(())
    }

    /// The events of the lines so far, of a file of which more is there: something to look at until that is read. They are
    /// those of a run that is going on. The next [`Follower::events`] take their place: they tell everything again, from the
    /// start of the run.
    pub fn early_events(&mut self) -> Vec<RunEvent> {
        let over = std::mem::take(&mut self.session.over);
        let first = self.telling.next();
        let early = self.early.get_or_insert_with(|| Early {
            first,
            over: Vec::new(),
        });
        early.over.extend(&over);
        self.told(over, true)
    }

    /// The events of the lines since the last time.
    pub fn events(&mut self) -> Vec<RunEvent> {
        let over = self.over();
        self.told(over, false)
    }

    /// The same where nothing more came for a while: messages of models are whole by now.
    pub fn settle(&mut self) -> Vec<RunEvent> {
        let mut over = self.over();
        over.extend(self.session.open_calls());
        self.told(over, false)
    }

    /// The places of what is over and was not told for good.
    fn over(&mut self) -> Vec<usize> {
        let over = std::mem::take(&mut self.session.over);
        let Some(early) = self.early.take() else {
            return over;
        };
        let (at, seq) = early.first;
        self.telling = Telling::new(at, seq);
        [early.over, over].concat()
    }

    fn told(&mut self, over: Vec<usize>, is_early: bool) -> Vec<RunEvent> {
        let teller = Teller {
            telling: &mut self.telling,
            session: &mut self.session,
            name: &self.name,
            result: self.result.as_ref(),
            price: &*self.price,
            is_early,
        };
        teller.told(over)
    }

    /// Whether the session said that it is over: nothing more will come.
    pub fn is_over(&self) -> bool {
        self.result.is_some() && self.early.is_none() && self.telling.is_over()
    }

    /// What the user is to know, since the last time.
    pub fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    /// The file begins from its beginning, or another one took its place: what follows is a run of its own.
    pub fn restart(&mut self) {
        let price = std::mem::replace(&mut self.price, Box::new(|_, _| None));
        let name = std::mem::take(&mut self.name);
        let (at, seq) = self.telling.next();
        *self = Self {
            price,
            telling: Telling::new(at, seq),
            ..Self::new(&name, |_, _| None)
        };
    }
}

#[cfg(test)]
mod tests;
