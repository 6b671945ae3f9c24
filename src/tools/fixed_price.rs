//! The fixed price that a catalog gives a tool.

use super::{
    Call, CallPolicy, CallReport, Estimate, Pricing, Quote, Reservation, Standing, Tool, ToolKind,
    Unseen,
};
use crate::models::CostBasis;
use crate::units::{Charge, ChargeClass, ModelOptions, Money};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use std::sync::Arc;

/// A tool with a fixed price per call, on top of its own cost. A call that failed or was cut off is charged too, unless
/// it was never sent.
pub(super) struct Priced {
    /// The tool.
    pub tool: Arc<dyn Tool>,
    /// Its price.
    pub price: Money,
}

impl Priced {
    /// Another tool for the same price.
    #[allow(clippy::unnecessary_wraps, reason = "as the trait has it")]
    fn around(&self, tool: Arc<dyn Tool>) -> Option<Arc<dyn Tool>> {
        let price = self.price;
        Some(Arc::new(Self { tool, price }))
    }

    fn charge(price: Money, mut report: CallReport) -> CallReport {
        if report.basis != CostBasis::NotSent {
            report.cost = report.cost.map(|cost| cost + price);
            let charge = Charge {
                class: ChargeClass::Call,
                count: 1,
                price,
                upper_bound: false,
            };
            charge.add_to(&mut report.charges);
        }
        report
    }
}

impl Tool for Priced {
    fn kind(&self) -> &'static ToolKind {
        self.tool.kind()
    }

    fn call(&self, call: Call) -> BoxFuture<'static, CallReport> {
        let price = self.price;
        let spend_authorizer = call.spend_authorizer.clone().plus(price);
        let work = self.tool.call(Call {
            spend_authorizer,
            ..call
        });
        async move { Self::charge(price, work.await) }.boxed()
    }

    fn call_now(&self, input: &Arc<Value>) -> Option<CallReport> {
        self.tool
            .call_now(input)
            .map(|report| Self::charge(self.price, report))
    }

    fn prompt(&self, input: &Value, model: Option<&str>) -> Option<String> {
        self.tool.prompt(input, model)
    }

    fn look_up(&self, call: Call) -> Option<BoxFuture<'static, Standing>> {
        self.tool.look_up(call)
    }

    fn with_prompt(&self, prompt: &Arc<str>) -> Option<Arc<dyn Tool>> {
        self.around(self.tool.with_prompt(prompt)?)
    }

    fn own_prompt(&self) -> Option<&Arc<str>> {
        self.tool.own_prompt()
    }

    fn with_options(&self, options: ModelOptions) -> Option<Arc<dyn Tool>> {
        self.around(self.tool.with_options(options)?)
    }

    fn own_options(&self) -> Option<ModelOptions> {
        self.tool.own_options()
    }

    fn model(&self, wanted: Option<&str>) -> Option<String> {
        self.tool.model(wanted)
    }

    fn policy(&self) -> CallPolicy {
        self.tool.policy()
    }

    fn pricing(&self) -> Option<&dyn Pricing> {
        Some(self)
    }

    fn target(&self, input: &Value) -> Option<Arc<dyn Tool>> {
        self.tool.target(input)
    }
}

impl Pricing for Priced {
    fn quote(&self, input: &Value, model: Option<&str>) -> Quote {
        let bare = self.tool.quote(input, model);
        Quote {
            max: bare.max.map(|max| max + self.price),
            min: bare.min + self.price,
        }
    }

    fn reservation(&self, input: &Value, model: Option<&str>) -> Reservation {
        let bare = self.tool.reservation(input, model);
        Reservation {
            max: bare.max.map(|max| max + self.price),
            ..bare
        }
    }

    fn estimate(&self, known: &Value, model: Option<&str>, unseen: Unseen) -> Estimate {
        let bare = self.tool.estimate(known, model, unseen);
        let charged = |cost: Money| cost + self.price;
        Estimate {
            min: charged(bare.min),
            expected: bare.expected.map(charged),
            max: bare.max.map(charged),
        }
    }

    fn max_answer_tokens(&self) -> Option<u64> {
        self.tool.max_answer_tokens()
    }

    fn rate_limit_use(&self, input: &Value, model: Option<&str>) -> Option<(String, u64)> {
        self.tool.rate_limit_use(input, model)
    }
}
