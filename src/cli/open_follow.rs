//! `plandeck open --follow`: a session that is being written, in the dashboard on a terminal; elsewhere what happens in it, as
//! it happens.

use super::args::history::OpenArgs;
use super::failure::Failure;
use super::followed::{FollowFeed, Followed, News};
use super::history_feed::HistoryFeed;
use super::output::{note_line, out};
use super::repeat_feed::Trusting;
use super::screen;
use super::structure_feed::Restructured;
use super::terminal::{ended_by, is_interactive};
use crate::report::{Progress, json_lines};
use crate::text::line;
use crate::tui;
use std::path::Path;

/// Follows it until the user leaves or, without a terminal, the session says that it is over. Exits with 0.
pub(super) async fn follow(mut args: OpenArgs) -> Result<u8, Failure> {
    if args.file == Path::new("-") {
        return Err(Failure::usage("--follow needs the name of a file"));
    }
    let is_shown = !args.events && !args.shown.headless && is_interactive();
    let followed = Followed::open(&args.file)?;
    let mut followed = if is_shown {
        followed.show_early()
    } else {
        followed
    };
    // What is wrong with the file is said before the screen is taken; a long one is read while it is shown.
    let mut first = followed.look()?;
    while !is_shown || !first.has_more {
        // After the last line of a session that has ended there is one more look, which says so.
        let was_last = !first.has_more;
        let next = followed.look()?;
        first.events.extend(next.events);
        first.notices.extend(next.notices);
        (first.has_more, first.is_over) = (next.has_more, next.is_over);
        first.read_percent = next.read_percent;
        if was_last {
            break;
        }
    }
    if !is_shown {
        return print(followed, first, args.events).await;
    }
    screen::complete(&mut args.screen, &screen::settings_here()?)?;
    screen::print_faults(&args.screen);
    let title = args.file.file_stem().unwrap_or_default().to_string_lossy();
    let options = tui::Options {
        attached: true,
        ..screen::options(title.into_owned(), &args.screen)
    };
    let feed = FollowFeed::new(followed, first);
    let feed = HistoryFeed::new(feed, Trusting::unasked(), Restructured::default());
    let left = tui::run(feed, options).await;
    let left = left.map_err(|error| Failure::usage(error.to_string()))?;
    Ok(ended_by(left.outcome).unwrap_or(0))
}

async fn print(followed: Followed, first: News, as_events: bool) -> Result<u8, Failure> {
    let mut progress = Progress::default();
    let mut show = |news: News| {
        for notice in &news.notices {
            note_line(&format!("note: {}", line(notice)));
        }
        if news.events.is_empty() {
            return Ok(());
        }
        if as_events {
            return out(&json_lines(&news.events));
        }
        let lines = news.events.iter().filter_map(|event| progress.line(event));
        let lines: String = lines.map(|line| line + "\n").collect();
        out(&lines)
    };
    let is_over = first.is_over;
    show(first)?;
    if is_over {
        return Ok(0);
    }
    followed.follow(show).await.map(|()| 0)
}
