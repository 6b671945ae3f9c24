//! What the user has changed of how a step asks its model, in words.

use crate::run::GivenCall;

/// What is given, each as its name and its value in words, which is empty where it would be long.
pub(crate) fn given_in_words(
    call: &GivenCall,
) -> impl Iterator<Item = (&'static str, String)> + use<> {
    let GivenCall {
        prompt,
        model,
        options,
    } = call;
    let said = [
        ("prompt", prompt.as_ref().map(|_| String::new())),
        ("model", model.as_ref().map(ToString::to_string)),
        ("temperature", options.temperature.map(|it| it.to_string())),
        (
            "most tokens of an answer",
            options.max_tokens.map(|it| it.to_string()),
        ),
    ];
    let said = said.into_iter();
    said.filter_map(|(name, value)| Some((name, value?)))
}
