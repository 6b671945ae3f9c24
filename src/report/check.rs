//! What can be said of a plan before it runs.

use crate::plan::{ExecutionPlan, Shape, StepIx};
use crate::run::Money;
use crate::text::format::count;
use crate::text::line;
use crate::tools::Toolbox;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Steps of the critical path that are named in text.
const PATH: usize = 12;

/// A plan's shape, what it needs, and what it can cost.
#[derive(Clone, Debug)]
pub struct CheckReport {
    name: String,
    dialect: String,
    shape: Shape,
    critical_path: Vec<String>,
    /// Names with whether there is a value.
    context: Vec<(String, bool)>,
    worker: String,
    cost: CostBounds,
}

/// What a run of a plan can cost when every step is called once.
#[derive(Clone, Copy, Debug)]
struct CostBounds {
    least: Money,
    /// `None` where a model has no price.
    most: Option<Money>,
}

impl CheckReport {
    /// The report on `plan`, with what the command line gives as context.
    pub fn new(
        plan: &ExecutionPlan,
        given: &Map<String, Value>,
        toolbox: &dyn Toolbox,
        worker: &str,
    ) -> Self {
        let shape = Shape::of(plan);
        let id = |ix: &StepIx| plan.step(*ix).map(|step| step.id.to_string());
        let has = |name: &str| given.contains_key(name) || plan.context.contains_key(name);
        Self {
            name: plan.name.to_string(),
            dialect: plan.dialect.to_string(),
            critical_path: shape.critical_path.iter().filter_map(id).collect(),
            context: plan
                .context_names
                .iter()
                .map(|name| (name.to_string(), has(name)))
                .collect(),
            worker: worker.to_owned(),
            cost: CostBounds::of(plan, toolbox),
            shape,
        }
    }

    /// For people: a few aligned lines.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<14} {}", line(value));
        };
        row("plan", &self.name);
        row("dialect", &self.dialect);
        row(
            "shape",
            &format!(
                "{}, {}, {} deep, up to {} side by side",
                count(self.shape.steps, "step"),
                if self.shape.edges == 1 {
                    "1 dependency".to_owned()
                } else {
                    format!("{} dependencies", self.shape.edges)
                },
                self.shape.depth,
                self.shape.width
            ),
        );
        row("critical path", &self.path());
        for (name, given) in &self.context {
            let state = if *given { "given" } else { "needed: --context" };
            row("context", &format!("{name} ({state})"));
        }
        row("worker", &self.worker);
        row("cost", &self.cost.to_text());
        text
    }

    fn path(&self) -> String {
        let path = &self.critical_path;
        let shown = path.len().min(PATH);
        let mut text = path[..shown].join(" → ");
        if path.len() > shown {
            let _ = write!(text, " → … ({} steps)", path.len());
        }
        text
    }

    /// For scripts.
    pub fn to_json(&self, diagnostics: &Value) -> Value {
        json!({
            "sound": true,
            "plan": self.name,
            "dialect": self.dialect,
            "steps": self.shape.steps,
            "dependencies": self.shape.edges,
            "depth": self.shape.depth,
            "width": self.shape.width,
            "critical_path": self.critical_path,
            "context": self.context.iter().map(|(name, given)| json!({"name": name, "given": given})).collect::<Vec<_>>(),
            "worker": self.worker,
            "cost": {"least": self.cost.least, "most": self.cost.most},
            "diagnostics": diagnostics,
        })
    }
}

impl CostBounds {
    fn of(plan: &ExecutionPlan, toolbox: &dyn Toolbox) -> Self {
        let mut bounds = Self {
            least: Money::ZERO,
            most: Some(Money::ZERO),
        };
        for step in plan.steps.iter() {
            let Some(tool) = toolbox.tool(&step.tool) else {
                continue;
            };
            let quote = tool.quote(&step.parameters.source(), step.model.as_deref());
            // A step that may be skipped, or that runs once for each element, costs nothing at the least.
            if step.run_if.is_none() && step.for_each.is_none() {
                bounds.least += quote.least;
            }
            // How many elements a list has is only known when the run comes to it.
            let known = |most: &Money| step.for_each.is_none() || most.is_zero();
            let most = quote.most.filter(known);
            bounds.most = bounds.most.zip(most).map(|(sum, most)| sum + most);
        }
        bounds
    }

    fn to_text(self) -> String {
        match self.most {
            Some(most) if most.is_zero() => "nothing".to_owned(),
            Some(most) => format!("{} to {most}, if every step is called once", self.least),
            None => format!("{} or more: an upper bound is not known", self.least),
        }
    }
}
