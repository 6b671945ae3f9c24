//! Fields of workflows and steps that have no counterpart, and what to do instead.

/// What to do about a field of a workflow; `None` where nothing is lost with it.
pub(super) fn of_workflow(field: &str) -> Option<&'static str> {
    Some(match field {
        "name"
        | "description"
        | "group"
        | "tags"
        | "labels"
        | "type"
        | "env"
        | "params"
        | "steps"
        | "secrets"
        | "container"
        | "ssh"
        | "kubernetes"
        | "working_dir"
        | "workingDir"
        | "shell"
        | "preconditions"
        | "precondition"
        | "defaults"
        | "log_dir"
        | "logDir"
        | "log_output"
        | "hist_retention_days"
        | "histRetentionDays"
        | "hist_retention_runs"
        | "artifacts"
        | "ui" => return None,
        "schedule" | "catchup_window" | "overlap_policy" | "skip_if_successful"
        | "skipIfSuccessful" | "webhook" => {
            "nothing starts runs by itself; let cron or a timer start `plandeck run`"
        }
        "max_active_steps" | "maxActiveSteps" => "give it as --max-concurrent",
        "timeout_sec" | "timeoutSec" => "give it as --timeout-seconds",
        "dotenv" => "load the file before, and give tools the variables that they need in `env`",
        "handler_on" | "handlerOn" => {
            "add steps that wait for the last ones, with `trigger: all_done` where they run after a failure"
        }
        "mail_on" | "mailOn" | "smtp" | "error_mail" | "info_mail" => {
            "no mail is sent; let whoever starts the run look at its exit status"
        }
        "max_output_size" | "maxOutputSize" => "an output may have 64 MB",
        "max_active_runs" | "maxActiveRuns" | "queue" => {
            "runs do not wait for each other; `plandeck batch --max-runs` limits those of a batch"
        }
        "otel" => "name the collector in OTEL_EXPORTER_OTLP_ENDPOINT",
        "retry_policy" | "retryPolicy" => "run it again with `plandeck run --resume`",
        _ => "it has no effect",
    })
}

/// The same for a field of a step.
pub(super) fn of_step(field: &str) -> Option<&'static str> {
    Some(match field {
        "name" | "id" | "description" | "command" | "cmd" | "script" | "exec" | "shell"
        | "args" | "depends" | "env" | "output" | "continue_on" | "continueOn" | "retry_policy"
        | "retryPolicy" | "preconditions" | "precondition" | "timeout_sec" | "timeoutSec"
        | "working_dir" | "workingDir" | "dir" | "call" | "run" | "params" | "parallel"
        | "executor" | "type" | "with" | "config" | "container" | "messages" | "llm"
        | "log_output" | "dag" => return None,
        "stdout" | "stderr" => {
            "what a step prints is its output and its log; write files in the command"
        }
        "repeat_policy" | "repeatPolicy" => {
            "repeat it inside the command, or with `retry_policy` and `expect`"
        }
        "mail_on_error" | "mailOnError" => {
            "no mail is sent; let whoever starts the run look at its exit status"
        }
        "signal_on_stop" | "signalOnStop" => "a step that is stopped gets SIGTERM, then SIGKILL",
        "approval" => {
            "give the step `approve: true`: it is asked about before the call, not after it"
        }
        "worker_selector" | "workerSelector" => "the step runs on this machine",
        _ => "it has no effect",
    })
}
