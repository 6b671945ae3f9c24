//! What servers ask the user in the middle of a call, and the answers, in words.

use crate::run::{Answer, Question};
use crate::text::line;

/// What is asked, in a line that is safe to print; with the address at which it is answered, where there is one.
pub(crate) fn question_in_words(question: &Question) -> String {
    let message = line(&question.message);
    match &question.url {
        Some(url) => format!("{message} ({})", line(url)),
        None => message,
    }
}

/// The answer, in a line that is safe to print.
pub(crate) fn answer_in_words(answer: &Answer) -> String {
    match answer {
        Answer::Accept(content) => line(&content.to_string()),
        Answer::Decline => "declined".to_owned(),
        Answer::Cancel => "cancelled".to_owned(),
    }
}
