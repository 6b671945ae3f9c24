//! Questions in the middle of calls: who answers, in which order, and whose time it is.

use super::driver::{Trial, after, ms, statuses};
use crate::plan::{Step, StepIx, StepSettings, Template};
use crate::run::StepStatus::{Cancelled, Failed, Succeeded};
use crate::run::{Answer, AskedQuestion, RunCommand, RunState};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn asking(id: &str, messages: &[&str], sleeps: u64) -> Step {
    let schema =
        json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let asks = messages.iter();
    let asks = asks.map(|message| json!({"message": message, "schema": schema}));
    let parameters = json!({"asks": asks.collect::<Vec<_>>(), "ms": sleeps});
    let mut step = Step::new(id, "sleep", Template::Literal(Arc::new(parameters)));
    let limited = StepSettings {
        timeout: Some(Duration::from_secs(1)),
        ..StepSettings::clone(&step.settings)
    };
    step.settings = Arc::new(limited);
    step
}

fn accept(content: Value) -> Answer {
    Answer::Accept(Arc::new(content))
}

fn answer(row: u32, answer: Answer) -> RunCommand {
    RunCommand::Answer(StepIx(row), Arc::new(answer))
}

fn asked(state: &RunState, row: usize) -> Vec<(String, Option<Answer>)> {
    let attempts = state.steps[row].attempts.iter();
    let questions = attempts.flat_map(|attempt| &attempt.questions);
    let each = |asked: &AskedQuestion| {
        let answer = asked.answer.as_deref().cloned();
        (asked.question.message.to_string(), answer)
    };
    questions.map(each).collect()
}

#[tokio::test(start_paused = true)]
async fn the_user_answers_and_the_time_limit_waits() {
    let mut trial = Trial::new(vec![asking("a", &["first?", "second?"], 400)]);
    let state = trial
        .run_with(|commands| async move {
            after(5_000).await;
            // Not what is asked for.
            commands
                .send(answer(0, accept(json!({"n": "x"}))))
                .await
                .unwrap();
            after(5_000).await;
            commands
                .send(answer(0, accept(json!({"n": 7}))))
                .await
                .unwrap();
            after(5_000).await;
            commands.send(answer(0, Answer::Decline)).await.unwrap();
            // Nothing is asked.
            after(100).await;
            commands.send(answer(0, Answer::Cancel)).await.unwrap();
            after(1_000).await;
        })
        .await;
    assert_eq!(statuses(&state), [Succeeded]);
    assert_eq!(
        asked(&state, 0),
        [
            ("first?".to_owned(), Some(accept(json!({"n": 7})))),
            ("second?".to_owned(), Some(Answer::Decline)),
        ]
    );
    assert_eq!(ms(state.steps[0].service), 15_400);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_call_itself_still_counts() {
    let mut trial = Trial::new(vec![asking("a", &["first?"], 1_200)]);
    let state = trial
        .run_with(|commands| async move {
            after(5_000).await;
            commands.send(answer(0, Answer::Decline)).await.unwrap();
            after(3_000).await;
        })
        .await;
    assert_eq!(statuses(&state), [Failed]);
    assert_eq!(ms(state.at), 6_000);
}

#[tokio::test(start_paused = true)]
async fn answers_given_before_the_run_are_used_in_their_order() {
    let mut trial = Trial::new(vec![
        asking("a", &["1?", "2?", "3?"], 10),
        asking("b", &["1?"], 10),
    ]);
    let given = |n: u64| accept(json!({"n": n}));
    trial.settings.question_answers = vec![
        ("a".into(), given(1)),
        ("b".into(), accept(json!({}))),
        ("a".into(), given(2)),
    ];
    let state = trial.run().await;
    assert_eq!(statuses(&state), [Succeeded, Failed]);
    let answers: Vec<_> = asked(&state, 0)
        .into_iter()
        .map(|(_, answer)| answer)
        .collect();
    assert_eq!(answers, [1, 2, 2].map(|n| Some(given(n))));
    let error = state.steps[1].error.as_ref().unwrap();
    let says = "the answer of --answer is not what is asked for";
    assert!(error.message.contains(says), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_given_before_the_run_gets_the_defaults_of_what_it_leaves_out() {
    let mut step = asking("a", &[], 10);
    let schema = json!({"type": "object", "required": ["n", "m"], "properties": {
        "n": {"type": "integer", "default": 3},
        "m": {"type": "integer", "default": 4},
        "o": {"type": "integer"},
    }});
    let parameters = json!({"asks": [{"message": "1?", "schema": schema}], "ms": 10});
    step.parameters = Template::Literal(Arc::new(parameters));
    let mut trial = Trial::new(vec![step]);
    trial.settings.question_answers = vec![("a".into(), accept(json!({"n": 7})))];
    let state = trial.run().await;
    assert_eq!(statuses(&state), [Succeeded]);
    let given = accept(json!({"n": 7, "m": 4}));
    assert_eq!(asked(&state, 0), [("1?".to_owned(), Some(given))]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_there_the_call_is_told_so() {
    let state = Trial::new(vec![asking("a", &["first?"], 10)]).run().await;
    assert_eq!(statuses(&state), [Failed]);
    assert!(asked(&state, 0).is_empty(), "nobody was asked");
    // A user who leaves.
    let mut trial = Trial::new(vec![asking("a", &["first?"], 10)]);
    let state = trial.run_with(|_| after(500)).await;
    assert_eq!(statuses(&state), [Failed]);
    assert_eq!(asked(&state, 0), [("first?".to_owned(), None)]);
}

#[tokio::test(start_paused = true)]
async fn without_a_screen_a_question_waits_as_long_as_it_was_told_to() {
    let (first, second) = (asking("a", &["first?"], 10), asking("b", &["first?"], 10));
    let mut trial = Trial::new(vec![first, second]);
    trial.settings.question_wait = Some(Duration::from_mins(1));
    let state = trial
        .run_unattended_with(|commands| async move {
            after(50_000).await;
            let given = answer(0, accept(json!({"n": 7})));
            commands.send(given).await.unwrap();
            after(20_000).await;
            // Too late: its call has ended.
            let _ = commands.send(answer(1, Answer::Decline)).await;
        })
        .await;
    assert_eq!(statuses(&state), [Succeeded, Failed]);
    let error = state.steps[1].error.as_ref().unwrap();
    assert_eq!(&*error.message, "nobody has answered within 60 s");
    assert_eq!(asked(&state, 1), [("first?".to_owned(), None)]);
    assert_eq!(ms(state.at), 60_000, "the run ends then");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_a_call_that_asks() {
    let mut trial = Trial::new(vec![asking("a", &["first?"], 10)]);
    let state = trial
        .run_with(|commands| async move {
            after(500).await;
            commands.send(RunCommand::Stop).await.unwrap();
            after(3_000).await;
        })
        .await;
    assert_eq!(statuses(&state), [Cancelled]);
    assert!(state.steps[0].open_question().is_none());
}
