//! Python in the sandbox: `input_data` in, `output` out.

use super::printer::Printer;
use super::python_calls::{self, Tools};
use super::python_values::{from_json, to_json};
use monty::MontyRun;
use monty_types::{CompileOptions, MontyObject, PrintWriter, ResourceLimits, ResourceTracker};
use serde_json::Value;
use std::time::Duration;

/// Runs `code` and returns the value of its variable `output`.
///
/// # Errors
/// A Python traceback, or what is wrong with the output.
pub(super) fn run(
    code: &str,
    input: &Value,
    seconds: u64,
    tools: Option<Tools<'_>>,
    log: &mut dyn FnMut(&str),
) -> Result<Value, String> {
    // A run returns the value of the last expression.
    let lines = code.lines().count();
    let program = format!("{code}\n\noutput\n");
    let mut names = vec!["input_data".to_owned()];
    let mut values = vec![from_json(input)];
    if let Some(tools) = &tools {
        for name in tools.names() {
            values.push(MontyObject::Function {
                name: name.clone(),
                docstring: None,
            });
            names.push(name);
        }
    }
    let runner = MontyRun::new(program, "code.py", names, CompileOptions::default())
        .map_err(|error| error.to_string())?;
    let limits = ResourceLimits {
        max_duration: Some(Duration::from_secs(seconds)),
        ..ResourceLimits::default()
    };
    let mut printer = Printer::new(log);
    let tracker = ResourceTracker::new(limits);
    let output = match tools {
        None => runner.run(values, tracker, PrintWriter::Callback(&mut printer)),
        Some(tools) => python_calls::run(runner, values, tracker, &mut printer, tools),
    };
    printer.end();
    let output = output.map_err(|error| {
        let last = error
            .traceback()
            .last()
            .map_or(0, |frame| frame.start.line as usize);
        if error.summary().contains("'output'") && last > lines {
            "the code does not set `output`; assign the result to a variable of that name"
                .to_owned()
        } else {
            error.to_string()
        }
    })?;
    to_json(output, &mut 0, 0)
}

#[cfg(test)]
mod tests {
    use super::super::printer::MAX_PRINTED_BYTES;
    use super::*;
    use serde_json::json;

    fn output(code: &str, input: &Value) -> Result<Value, String> {
        run(code, input, 5, None, &mut |_| {})
    }

    #[test]
    fn values_cross_in_both_directions() {
        let input = json!({"a": [1, 2.5, null, true, "é"], "big": u64::MAX});
        assert_eq!(output("output = input_data", &input).unwrap(), input);
        let code = "import datetime\noutput = [(1, 2), {3: 'x'}, sorted({2, 1}), datetime.date(2026, 1, 2), \
                    datetime.datetime(2026, 1, 2, 3, 4, 5), datetime.timedelta(minutes=1), float('nan'), 2**80]";
        let expected = json!([[1, 2], {"3": "x"}, [1, 2], "2026-01-02", "2026-01-02T03:04:05", 60.0, null,
            "1208925819614629174706176"]);
        assert_eq!(output(code, &json!(0)).unwrap(), expected);
    }

    #[test]
    fn a_missing_output_is_named() {
        let error = output("result = 1", &json!(0)).unwrap_err();
        assert!(error.contains("does not set `output`"), "{error}");
    }

    #[test]
    fn errors_are_tracebacks() {
        let error = output("x = 1\noutput = x / 0", &json!(0)).unwrap_err();
        assert!(
            error.contains("line 2") && error.contains("ZeroDivisionError"),
            "{error}"
        );
        let error = output("output = (", &json!(0)).unwrap_err();
        assert!(error.contains("SyntaxError"), "{error}");
        let error = output("a = []\na.append(a)\noutput = a", &json!(0)).unwrap_err();
        assert!(error.contains("itself"), "{error}");
    }

    #[test]
    fn prints_come_line_by_line_and_bounded() {
        let mut lines = Vec::new();
        let code = "print('a', 'b')\nprint('c', end='')\noutput = 1";
        let mut keep = |line: &str| lines.push(line.trim_end_matches('\n').to_owned());
        run(code, &json!(0), 5, None, &mut keep).unwrap();
        assert_eq!(lines, ["a b", "c"]);
        let mut bytes = 0;
        let code = "for i in range(3000):\n    print('x' * 1000)\noutput = 1";
        run(code, &json!(0), 5, None, &mut |line| bytes += line.len()).unwrap();
        assert!(bytes <= MAX_PRINTED_BYTES + 100, "{bytes}");
    }

    #[test]
    fn nothing_reaches_outside() {
        for code in [
            "output = open('/etc/passwd').read()",
            "import os\noutput = os.environ['PATH']",
            "import socket\noutput = 1",
        ] {
            assert!(output(code, &json!(0)).is_err(), "{code}");
        }
    }
}
