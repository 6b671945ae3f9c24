//! What a worker can do.

use super::context_window::context_window;
use super::worker::{MAX_TOKENS, SmallModelWorker};
use serde::Serialize;

/// What a worker can do, and on what terms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Capabilities {
    /// `openai/gpt-4o-mini`, `offline`, `simulated`.
    pub worker: String,
    /// The provider; `None` without a model.
    pub provider: Option<String>,
    /// The model; `None` without one.
    pub model: Option<String>,
    /// Whether it performs `model` tools with a model. Otherwise their `offline` rules do, or their outputs are fake.
    pub has_model: bool,
    /// Whether outputs are valid against a tool's `output_schema`: answers that are not are refused.
    pub structured_output: bool,
    /// The temperature of requests; `None` where the model takes none.
    pub temperature: Option<f64>,
    /// The maximum of tokens in an answer, unless the tool says otherwise.
    pub max_tokens: u32,
    /// The maximum of tokens of one call, where it is known; otherwise the most that any model takes.
    pub context_window: Option<u64>,
    /// Dollars per million input tokens; `None` where the price is not known.
    pub input_usd_per_million: Option<f64>,
    /// Dollars per million output tokens; `None` where the price is not known.
    pub output_usd_per_million: Option<f64>,
}

impl SmallModelWorker {
    /// What this worker can do.
    pub fn get_capabilities(&self) -> Capabilities {
        let route = self.model_for(None);
        let price = self.price_for(None);
        let has_model = route.is_some();
        Capabilities {
            worker: self.name(),
            provider: route.map(|(provider, _)| provider.to_owned()),
            model: route.map(|(_, model)| model.to_owned()),
            has_model,
            structured_output: true,
            temperature: self.takes_temperature(None).then_some(0.0),
            max_tokens: MAX_TOKENS,
            context_window: route.map(|(_, model)| context_window(model)),
            input_usd_per_million: price.map(|price| price.input.pico() as f64 / 1e6),
            output_usd_per_million: price.map(|price| price.output.pico() as f64 / 1e6),
        }
    }
}
