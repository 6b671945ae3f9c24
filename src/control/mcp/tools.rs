//! The table of the tools: what each is for, what it takes, and what it does.

use super::answer::Answer;
use super::arguments::Arguments;
use super::calls;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

/// An argument: its name, its JSON type (empty: any), what it is, and whether it has to be given.
type Argument = (&'static str, &'static str, &'static str, bool);

/// One tool.
pub(super) struct McpTool {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whether it changes nothing.
    pub read_only: bool,
    arguments: &'static [Argument],
    /// Does it.
    pub call: fn(Arguments) -> BoxFuture<'static, Answer>,
}

const RUN: Argument = (
    "run_id",
    "string",
    "The run: its id, the beginning of it, or last (the default)",
    false,
);
const STEP: Argument = (
    "step",
    "string",
    "The id of the step; an element of a for_each step is ID[N]",
    true,
);
const PLAN: Argument = (
    "plan",
    "string",
    "The plan: the path of a file, or the text itself",
    true,
);
const TOOLS: Argument = (
    "tools",
    "",
    "The tool catalog: the path of a file, its text, or an object; without it, the plan's own or the file beside the plan",
    false,
);
const CONTEXT: Argument = (
    "context",
    "object",
    "The values that the plan refers to, by name",
    false,
);

const DRY_RUN: Argument = (
    "dry_run",
    "boolean",
    "Whether to change nothing, and only answer with the preview",
    false,
);
const TEMPERATURE: Argument = (
    "temperature",
    "",
    "For edit: the temperature at which its model is asked, a number from 0 to 2; null takes that back",
    false,
);
const MAX_TOKENS: Argument = (
    "max_tokens",
    "",
    "For edit: the most tokens that an answer of its model may have; null takes that back",
    false,
);

/// Every tool.
pub(super) const ALL: &[McpTool] = &[
    McpTool {
        name: "check_plan",
        about: "Check a plan without running anything: its faults with their places, its steps, the least and the most that it can cost, and what it would start and reach",
        read_only: true,
        arguments: &[PLAN, TOOLS, CONTEXT],
        call: |arguments| Box::pin(calls::check_plan(arguments)),
    },
    McpTool {
        name: "run_plan",
        about: "Start a run of a plan. It runs in a process of its own; the user can watch it with `plandeck attach RUN`. The answer comes at once, with the result where the run has ended by then: ask run_status or list_events for the rest",
        read_only: false,
        arguments: &[PLAN, TOOLS, CONTEXT],
        call: |arguments| Box::pin(calls::run_plan(arguments)),
    },
    McpTool {
        name: "run_status",
        about: "The result of a run, or the result so far of one that is running: every step with its status, output, error and cost",
        read_only: true,
        arguments: &[RUN],
        call: |arguments| Box::pin(calls::run_status(arguments)),
    },
    McpTool {
        name: "list_events",
        about: "The events of a run from a number on, at most 500; `next` is where to go on. Where a live run has no new ones, it waits for some for up to 10 seconds",
        read_only: true,
        arguments: &[
            RUN,
            (
                "from",
                "integer",
                "The number of the first event; 0 by default",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::list_events(arguments)),
    },
    McpTool {
        name: "inspect_step",
        about: "One step of a run: how it is defined, how it ended, and its events: inputs, prompts, answers, logs, errors",
        read_only: true,
        arguments: &[RUN, STEP],
        call: |arguments| Box::pin(calls::inspect_step(arguments)),
    },
    McpTool {
        name: "preview",
        about: "What a verb would run again and what it can cost, without doing it",
        read_only: true,
        arguments: &[
            RUN,
            (
                "verb",
                "string",
                "retry, refresh, resume, edit, set, undo, redo or skip",
                true,
            ),
            ("step", "string", "The id of the step", false),
            (
                "input",
                "",
                "For edit: the input instead of the parameters",
                false,
            ),
            (
                "prompt",
                "string",
                "For edit: the prompt instead of the tool's own",
                false,
            ),
            (
                "model",
                "string",
                "For edit: the model instead of the plan's",
                false,
            ),
            TEMPERATURE,
            MAX_TOKENS,
            ("output", "", "For set: the output of the step", false),
        ],
        call: |arguments| Box::pin(calls::preview(arguments)),
    },
    McpTool {
        name: "pause_run",
        about: "Start nothing more in a run that is running; what is running ends. resume_run, step_run or stop_run goes on from there",
        read_only: false,
        arguments: &[RUN],
        call: |arguments| Box::pin(calls::verb("pause", arguments)),
    },
    McpTool {
        name: "resume_run",
        about: "Go on with a run that is paused, was interrupted or has failed: what succeeded stays. With step it goes on until that step is about to start, and calls nothing that the step does not need",
        read_only: false,
        arguments: &[
            RUN,
            (
                "step",
                "string",
                "The id of the step to stop before; an element of a for_each step is ID[N]",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::verb("resume", arguments)),
    },
    McpTool {
        name: "step_run",
        about: "Start one step of a paused run: this one if it is ready, or the one that would start next",
        read_only: false,
        arguments: &[
            RUN,
            (
                "step",
                "string",
                "The id of the step; a call that the code of a step makes is STEP/TOOL[N]",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::verb("step", arguments)),
    },
    McpTool {
        name: "set_breakpoint",
        about: "Have a run that is running held at a step, or not any more",
        read_only: false,
        arguments: &[
            RUN,
            (
                "step",
                "string",
                "STEP, which holds it before the step, or STEP:WHEN with before, after, failure or an expression over input, output, cost or attempt",
                true,
            ),
            ("off", "boolean", "Whether the breakpoint is removed", false),
        ],
        call: |arguments| Box::pin(calls::set_breakpoint(arguments)),
    },
    McpTool {
        name: "retry_step",
        about: "Run a step again, with everything that depends on it. A run that has ended goes on under its own id; outputs that nothing has changed are not paid for again",
        read_only: false,
        arguments: &[RUN, STEP],
        call: |arguments| Box::pin(calls::verb("retry", arguments)),
    },
    McpTool {
        name: "refresh_step",
        about: "Run a step again with everything that depends on it, and use no cached outputs for that",
        read_only: false,
        arguments: &[RUN, STEP],
        call: |arguments| Box::pin(calls::verb("refresh", arguments)),
    },
    McpTool {
        name: "undo_edit",
        about: "Take back the last edit of a run, or make it again (redo): the step that it was of runs again, and what was made before by the same calls is used again",
        read_only: false,
        arguments: &[
            RUN,
            (
                "redo",
                "boolean",
                "Whether the edit that was taken back last is made again",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::undo_edit(arguments)),
    },
    McpTool {
        name: "edit_step",
        about: "Change what a step is called with (input, prompt, model, temperature or max_tokens) and run it again, or give it its output instead of calling it (output)",
        read_only: false,
        arguments: &[
            RUN,
            STEP,
            (
                "input",
                "",
                "The input instead of the parameters; null takes that back",
                false,
            ),
            (
                "prompt",
                "string",
                "The prompt instead of the tool's own, with {{name}} for parameters",
                false,
            ),
            ("model", "string", "The model instead of the plan's", false),
            TEMPERATURE,
            MAX_TOKENS,
            (
                "output",
                "",
                "The output of the step, which is then not called",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::edit_step(arguments)),
    },
    McpTool {
        name: "insert_step",
        about: "Put a step into the plan of a run. A run that has ended is forked with the edited plan; one that is running starts nothing more that the edit is about, and once nothing else is running, another run (`run_id` of the answer) goes on with everything that was done. undo_edit takes that back until then. Ask with dry_run first: it answers with what would run and what that can cost",
        read_only: false,
        arguments: &[
            RUN,
            (
                "step",
                "object",
                "The step as plans have it: its id, tool, parameters and depends_on",
                true,
            ),
            (
                "before",
                "string",
                "The step that waits for the new one; before or after is needed",
                false,
            ),
            (
                "after",
                "string",
                "The step that the new one waits for; what waits for that one then waits for the new one",
                false,
            ),
            DRY_RUN,
        ],
        call: |arguments| Box::pin(calls::edit_plan("insert", arguments)),
    },
    McpTool {
        name: "remove_step",
        about: "Take a step out of the plan of a run; what waits for it waits for what it does. As insert_step does it",
        read_only: false,
        arguments: &[RUN, STEP, DRY_RUN],
        call: |arguments| Box::pin(calls::edit_plan("remove", arguments)),
    },
    McpTool {
        name: "set_dependencies",
        about: "Change what a step of the plan of a run waits for. As insert_step does it",
        read_only: false,
        arguments: &[
            RUN,
            STEP,
            (
                "on",
                "array",
                "The ids of steps that it waits for too",
                false,
            ),
            (
                "not_on",
                "array",
                "The ids of steps that it waits for no longer; it cannot refer to their outputs",
                false,
            ),
            DRY_RUN,
        ],
        call: |arguments| Box::pin(calls::edit_plan("depend", arguments)),
    },
    McpTool {
        name: "set_tool_definition",
        about: "Change the definition of the tool that a step calls, such as its url, command, filter or timeout_s, for every step of the run that calls it. As insert_step does it",
        read_only: false,
        arguments: &[
            RUN,
            STEP,
            (
                "tool_definition",
                "object",
                "A JSON merge patch of the tool's entry in the catalog: fields that are given replace, and null removes one",
                true,
            ),
            DRY_RUN,
        ],
        call: |arguments| Box::pin(calls::edit_plan("define_tool", arguments)),
    },
    McpTool {
        name: "skip_step",
        about: "Do not run a step; what depends on it sees it as skipped",
        read_only: false,
        arguments: &[RUN, STEP],
        call: |arguments| Box::pin(calls::verb("skip", arguments)),
    },
    McpTool {
        name: "approve_step",
        about: "Approve a step that waits for approval, or refuse it with input false",
        read_only: false,
        arguments: &[
            RUN,
            STEP,
            (
                "input",
                "boolean",
                "true approves (the default), false refuses",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::approve_step(arguments)),
    },
    McpTool {
        name: "answer_step",
        about: "Answer what the server of a running call asks: run_status lists the `questions` with the JSON Schema of their answers",
        read_only: false,
        arguments: &[
            RUN,
            STEP,
            (
                "input",
                "",
                "The answer: an object as the question's schema has it, \"decline\" or \"cancel\"",
                true,
            ),
        ],
        call: |arguments| Box::pin(calls::answer_step(arguments)),
    },
    McpTool {
        name: "save_edits",
        about: "Write the edits of a run (inputs, prompts, models) back to its plan and its catalog, comments kept. The answer has the difference of each file, and the edits that are not written with the reason. Ask with dry_run first, and show the user the difference",
        read_only: false,
        arguments: &[
            RUN,
            (
                "dry_run",
                "boolean",
                "Whether to write nothing, and only answer with the difference",
                false,
            ),
        ],
        call: |arguments| Box::pin(calls::save_edits(arguments)),
    },
    McpTool {
        name: "stop_run",
        about: "Stop a run that is running: cancel what is running, skip the rest",
        read_only: false,
        arguments: &[RUN],
        call: |arguments| Box::pin(calls::verb("stop", arguments)),
    },
    McpTool {
        name: "diff_runs",
        about: "In what two runs differ, and where in the DAG the differences start",
        read_only: true,
        arguments: &[
            (
                "run_id",
                "string",
                "The second run: its id, the beginning of it, or last",
                true,
            ),
            (
                "from",
                "string",
                "The first run, with which it is compared",
                true,
            ),
        ],
        call: |arguments| Box::pin(calls::diff_runs(arguments)),
    },
    McpTool {
        name: "explain_step",
        about: "Why a step of a run was called, or why it was not",
        read_only: true,
        arguments: &[RUN, STEP],
        call: |arguments| Box::pin(calls::explain_step(arguments)),
    },
];

impl McpTool {
    /// The JSON Schema of its arguments.
    pub(super) fn schema(&self) -> Map<String, Value> {
        let property = |(name, kind, about, _): &Argument| {
            let mut property = json!({"description": about});
            if !kind.is_empty() {
                property["type"] = json!(kind);
            }
            ((*name).to_owned(), property)
        };
        let required = self.arguments.iter().filter(|(.., required)| *required);
        let required: Vec<&str> = required.map(|(name, ..)| *name).collect();
        let properties: Map<String, Value> = self.arguments.iter().map(property).collect();
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }

    /// The first argument that it does not take, or that is missing.
    pub(super) fn fault(&self, given: &Map<String, Value>) -> Option<String> {
        let known = |name: &str| self.arguments.iter().any(|(known, ..)| *known == name);
        if let Some(name) = given.keys().find(|name| !known(name)) {
            let names: Vec<&str> = self.arguments.iter().map(|(name, ..)| *name).collect();
            return Some(format!(
                "{} takes no {name:?}; it takes: {}",
                self.name,
                names.join(", ")
            ));
        }
        let mut required = self.arguments.iter().filter(|(.., required)| *required);
        let missing = required.find(|(name, ..)| !given.contains_key(*name))?;
        Some(format!(
            "{} needs {:?}: {}",
            self.name, missing.0, missing.2
        ))
    }
}
