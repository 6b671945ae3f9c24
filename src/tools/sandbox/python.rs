//! Python in the sandbox: `input_data` in, `output` out.

use monty::MontyRun;
use monty_types::{
    CompileOptions, DictPairs, MontyException, MontyObject, PrintWriter, PrintWriterCallback,
    ResourceLimits, ResourceTracker,
};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::time::Duration;

/// Deeper outputs could not be read back as JSON.
const MAX_DEPTH: usize = 120;

/// The approximate maximum size of an output as JSON, in bytes.
const MAX_OUTPUT_BYTES: usize = 64 << 20;

/// A printed line is broken after this many bytes, and a call may print this many bytes in all.
const MAX_LINE_BYTES: usize = 8 << 10;
const MAX_PRINTED_BYTES: usize = 1 << 20;

/// Runs `code` and returns the value of its variable `output`.
///
/// # Errors
/// A Python traceback, or what is wrong with the output.
pub(super) fn run(
    code: &str,
    input: &Value,
    seconds: u64,
    log: &mut dyn FnMut(&str),
) -> Result<Value, String> {
    // A run returns the value of the last expression.
    let lines = code.lines().count();
    let program = format!("{code}\n\noutput\n");
    let runner = MontyRun::new(
        program,
        "code.py",
        vec!["input_data".to_owned()],
        CompileOptions::default(),
    )
    .map_err(|error| error.to_string())?;
    let limits = ResourceLimits {
        max_duration: Some(Duration::from_secs(seconds)),
        ..ResourceLimits::default()
    };
    let mut printer = Printer {
        line: String::new(),
        printed: 0,
        log,
    };
    let output = runner.run(
        vec![from_json(input)],
        ResourceTracker::new(limits),
        PrintWriter::Callback(&mut printer),
    );
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

/// Hands printed text on, line by line, each with its line feed; long lines in pieces.
struct Printer<'a> {
    line: String,
    printed: usize,
    log: &'a mut dyn FnMut(&str),
}

impl Printer<'_> {
    fn push(&mut self, c: char) {
        self.printed += c.len_utf8();
        if self.printed > MAX_PRINTED_BYTES {
            return;
        }
        self.line.push(c);
        if c == '\n' || self.line.len() >= MAX_LINE_BYTES {
            (self.log)(&self.line);
            self.line.clear();
        }
    }

    fn end(&mut self) {
        if self.printed <= MAX_PRINTED_BYTES {
            if !self.line.is_empty() {
                (self.log)(&self.line);
            }
        } else {
            // A line that is cut may have a part of a secret at its end.
            (self.log)(&format!(
                "… {} more bytes were printed",
                self.printed - MAX_PRINTED_BYTES
            ));
        }
    }
}

impl PrintWriterCallback for Printer<'_> {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        if self.printed > MAX_PRINTED_BYTES {
            self.printed += output.len();
        } else {
            output.chars().for_each(|c| self.push(c));
        }
        Ok(())
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.push(end);
        Ok(())
    }
}

fn from_json(value: &Value) -> MontyObject {
    match value {
        Value::Null => MontyObject::None,
        Value::Bool(flag) => MontyObject::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => MontyObject::Int(n),
            (None, Some(n)) => MontyObject::BigInt(n.into()),
            (None, None) => MontyObject::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => MontyObject::String(text.clone()),
        Value::Array(items) => MontyObject::List(items.iter().map(from_json).collect()),
        Value::Object(members) => MontyObject::Dict(
            members
                .iter()
                .map(|(name, value)| (MontyObject::String(name.clone()), from_json(value)))
                .collect(),
        ),
    }
}

/// Tuples, sets and the like become lists, named tuples and instances objects, dates and times ISO 8601 text,
/// a time span seconds, bytes text, an exception its text; NaN is `null`. Any other type is an error.
fn to_json(object: MontyObject, size: &mut usize, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("`output` is nested deeper than {MAX_DEPTH} levels"));
    }
    *size += match &object {
        MontyObject::String(text) => text.len() + 2,
        MontyObject::Bytes(bytes) => bytes.len() + 2,
        _ => 2,
    };
    if *size > MAX_OUTPUT_BYTES {
        return Err(format!(
            "`output` is larger than {} MB",
            MAX_OUTPUT_BYTES >> 20
        ));
    }
    Ok(match object {
        MontyObject::None | MontyObject::Ellipsis => Value::Null,
        MontyObject::Bool(flag) => Value::Bool(flag),
        MontyObject::Int(n) => Value::from(n),
        MontyObject::BigInt(n) => {
            let text = n.to_string();
            // Beyond 64 bits JSON numbers lose digits in most readers; text keeps them.
            text.parse::<u64>().map_or(Value::String(text), Value::from)
        }
        MontyObject::Float(float) => Number::from_f64(float).map_or(Value::Null, Value::Number),
        MontyObject::String(text) | MontyObject::Path(text) => Value::String(text),
        MontyObject::Bytes(bytes) => Value::String(String::from_utf8(bytes).map_err(|_| {
            "`output` holds bytes that are not valid UTF-8; encode them first".to_owned()
        })?),
        MontyObject::List(items)
        | MontyObject::Tuple(items)
        | MontyObject::Set(items)
        | MontyObject::FrozenSet(items) => items
            .into_iter()
            .map(|item| to_json(item, size, depth + 1))
            .collect::<Result<_, _>>()?,
        MontyObject::NamedTuple {
            field_names,
            values,
            ..
        } => Value::Object(
            field_names
                .into_iter()
                .zip(values)
                .map(|(name, value)| Ok((name, to_json(value, size, depth + 1)?)))
                .collect::<Result<_, String>>()?,
        ),
        MontyObject::Dict(pairs) => object_of(pairs, size, depth)?,
        MontyObject::ClassInstance(instance) => object_of(instance.attrs, size, depth)?,
        MontyObject::Date(date) => Value::String(format!(
            "{:04}-{:02}-{:02}",
            date.year, date.month, date.day
        )),
        MontyObject::DateTime(at) => Value::String(format!(
            "{:04}-{:02}-{:02}T{}{}",
            at.year,
            at.month,
            at.day,
            clock(at.hour, at.minute, at.second, at.microsecond),
            at.offset_seconds.map_or(String::new(), offset)
        )),
        MontyObject::Time(at) => Value::String(format!(
            "{}{}",
            clock(at.hour, at.minute, at.second, at.microsecond),
            at.offset_seconds.map_or(String::new(), offset)
        )),
        MontyObject::TimeDelta(span) => {
            let seconds = f64::from(span.days) * 86_400.0
                + f64::from(span.seconds)
                + f64::from(span.microseconds) / 1e6;
            Number::from_f64(seconds).map_or(Value::Null, Value::Number)
        }
        MontyObject::Exception { exc_type, arg } => Value::String(
            arg.map_or_else(|| exc_type.to_string(), |arg| format!("{exc_type}: {arg}")),
        ),
        MontyObject::Cycle(..) => return Err("`output` contains itself".to_owned()),
        other => return Err(format!("`output` holds {other}, which has no JSON form")),
    })
}

fn object_of(pairs: DictPairs, size: &mut usize, depth: usize) -> Result<Value, String> {
    let mut object = Map::new();
    for (name, value) in pairs {
        let name = match to_json(name, size, depth + 1)? {
            Value::String(text) => text,
            other => other.to_string(),
        };
        object.insert(name, to_json(value, size, depth + 1)?);
    }
    Ok(Value::Object(object))
}

fn clock(hour: u8, minute: u8, second: u8, micros: u32) -> String {
    if micros == 0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}.{micros:06}")
    }
}

fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn output(code: &str, input: &Value) -> Result<Value, String> {
        run(code, input, 5, &mut |_| {})
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
        run(code, &json!(0), 5, &mut keep).unwrap();
        assert_eq!(lines, ["a b", "c"]);
        let mut bytes = 0;
        let code = "for i in range(3000):\n    print('x' * 1000)\noutput = 1";
        run(code, &json!(0), 5, &mut |line| bytes += line.len()).unwrap();
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
