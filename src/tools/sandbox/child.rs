//! The child's side of the sandbox: sets its own limits, then serves requests until its input ends.

use super::protocol::{Answer, Language, MAX_LINE_BYTES, Outcome, Reply, Request};
use super::python;
use super::python_calls::{self, Tools};
#[cfg(target_os = "linux")]
use super::walls;
use crate::text::schema::{self, Verdict};
use crate::tools::kinds::jq::{Filter, FilterError};
use jsonschema::Validator;
use rlimit::Resource;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc;

/// Recursion inside the interpreters needs more than the usual 8 MiB.
const STACK: u64 = 96 << 20;

/// The maximum of compiled filters, and of schemas, that are kept.
const MAX_FILTERS: usize = 64;
const MAX_SCHEMAS: usize = 8;

/// Serves requests from standard input until it ends. `memory_mb` bounds what the sandbox may allocate.
///
/// # Errors
/// Where a limit cannot be set: without its limits it must not run anything.
pub(crate) fn serve(memory_mb: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    crate::tools::launch::close_inherited();
    // Files cannot be opened later: the time zone, which is kept for some minutes, and the figures of this process.
    let _ = jiff::tz::TimeZone::system();
    let figures = Figures::open();
    #[cfg(target_os = "linux")]
    let by_landlock = walls::raise()?;
    let requests = read_requests();
    limit(memory_mb, &figures)?;
    #[cfg(target_os = "linux")]
    let walls = walls::in_words(by_landlock, walls::filter_system_calls()?);
    #[cfg(not(target_os = "linux"))]
    let walls = None;
    let mut compiled = Compiled::default();
    send(&Reply::Ready)?;
    send(&Reply::About {
        interpreter: "the embedded interpreter".to_owned(),
        walls,
    })?;
    while let Ok(line) = requests.recv() {
        let reply = match serde_json::from_str::<Request>(&line) {
            Ok(request) => answer(&request, &mut compiled, &figures, &requests),
            // The code had ended before this answer came.
            Err(_) if serde_json::from_str::<Answer>(&line).is_ok() => continue,
            Err(error) => Reply::Error(format!("the input cannot be read: {error}")),
        };
        send(&reply)?;
    }
    Ok(())
}

/// The lines of standard input, read by a thread of its own, so that the sandbox ends as soon as its parent does,
/// even while code runs.
fn read_requests() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut input = BufReader::new(io::stdin());
        loop {
            let mut line = String::new();
            let read = input
                .by_ref()
                .take(MAX_LINE_BYTES as u64)
                .read_line(&mut line);
            if !matches!(read, Ok(1..)) || sender.send(line).is_err() {
                std::process::exit(0);
            }
        }
    });
    receiver
}

fn limit(memory_mb: u64, figures: &Figures) -> io::Result<()> {
    set(Resource::CORE, 0)?;
    set(Resource::FSIZE, 0)?;
    set(Resource::NOFILE, 0)?;
    // Threads count as processes.
    #[cfg(target_os = "linux")]
    set(Resource::NPROC, 0)?;
    let (_, hard) = Resource::STACK.get()?;
    Resource::STACK.set(STACK.min(hard), hard)?;
    // Address space includes what is mapped already (the program itself), so the limit is added to that.
    let mapped = figures.memory().map_or(256 << 20, |(mapped, _)| mapped);
    set(Resource::AS, mapped.saturating_add(memory_mb << 20))
}

fn set(resource: Resource, value: u64) -> io::Result<()> {
    let (_, hard) = resource.get()?;
    let value = value.min(hard);
    resource.set(value, value)
}

/// What the system reports about this process, in files that stay open.
struct Figures {
    memory: Option<File>,
    processor: Option<File>,
}

impl Figures {
    fn open() -> Self {
        Self {
            memory: File::open("/proc/self/statm").ok(),
            processor: File::open("/proc/self/stat").ok(),
        }
    }

    /// The whole address space and the resident part, in bytes; `None` where the system does not report them.
    fn memory(&self) -> Option<(u64, u64)> {
        let text = read_again(self.memory.as_ref()?)?;
        let mut pages = text
            .split_whitespace()
            .map_while(|word| word.parse::<u64>().ok());
        let page = 4096;
        Some((pages.next()? * page, pages.next()? * page))
    }

    /// The processor time used so far, in whole seconds.
    fn processor(&self) -> Option<u64> {
        let stat = read_again(self.processor.as_ref()?)?;
        // The name in parentheses may contain spaces; user and system time are the 12th and 13th fields after it.
        let fields = stat.rsplit(')').next()?;
        let mut times = fields
            .split_whitespace()
            .skip(11)
            .map_while(|word| word.parse::<u64>().ok());
        Some((times.next()? + times.next()?) / 100)
    }
}

/// The present contents of a short file of `/proc`.
#[cfg(unix)]
fn read_again(file: &File) -> Option<String> {
    let mut text = vec![0; 1024];
    let length = std::os::unix::fs::FileExt::read_at(file, &mut text, 0).ok()?;
    text.truncate(length);
    String::from_utf8(text).ok()
}

#[cfg(not(unix))]
fn read_again(_file: &File) -> Option<String> {
    None
}

/// Lets the process use `seconds` more of processor time; then the system ends it.
fn allow(seconds: u64, figures: &Figures) {
    if let (Some(used), Ok((_, hard))) = (figures.processor(), Resource::CPU.get()) {
        let soft = used.saturating_add(seconds).saturating_add(1).min(hard);
        let _ = Resource::CPU.set(soft, hard);
    }
}

/// The way to the tools that the code calls.
struct Host<'a> {
    requests: &'a mpsc::Receiver<String>,
    answered: u32,
    seen: u32,
}

impl python_calls::Host for Host<'_> {
    fn call(&mut self, number: u32, name: String, is_tool: bool, input: Value) {
        let _ = send(&Reply::Call {
            number,
            name,
            is_tool,
            input,
        });
    }

    fn wait(&mut self) -> Option<(u32, Result<Value, String>)> {
        let (answered, seen) = (self.answered, self.seen);
        let mut line = self.requests.try_recv().ok();
        if line.is_none() {
            send(&Reply::Waits { answered, seen }).ok()?;
            line = self.requests.recv().ok();
        }
        let answer: Answer = serde_json::from_str(&line?).ok()?;
        self.answered += u32::from(answer.is_made);
        self.seen += 1;
        let outcome = match answer.outcome {
            Outcome::Output(output) => Ok(output.into_owned()),
            Outcome::Error(why) => Err(why.into_owned()),
        };
        Some((answer.number, outcome))
    }
}

fn answer(
    request: &Request,
    compiled: &mut Compiled,
    figures: &Figures,
    requests: &mpsc::Receiver<String>,
) -> Reply {
    allow(request.seconds, figures);
    let output = match request.language {
        Language::Python => {
            let mut host = Host {
                requests,
                answered: 0,
                seen: 0,
            };
            let tools = request.tools.as_ref().map(|functions| Tools {
                functions,
                host: &mut host,
            });
            python::run(
                &request.source,
                &request.input,
                request.seconds,
                tools,
                &mut |text| {
                    let _ = send(&match text.strip_suffix('\n') {
                        Some(line) => Reply::Log(line.to_owned()),
                        None => Reply::LogPart(text.to_owned()),
                    });
                },
            )
        }
        Language::Cpython => Err("this sandbox has the embedded interpreter alone".to_owned()),
        Language::Expression | Language::Condition => {
            let empty = Map::new();
            let variables = request.input.as_object().unwrap_or(&empty);
            let is_condition = request.language == Language::Condition;
            crate::plan::evaluate(&request.source, variables, is_condition)
        }
        Language::Schema | Language::Violations => {
            let is_asked_why = request.language == Language::Violations;
            compiled
                .schema(&request.source)
                .map(|validator| validated(validator, &request.input, is_asked_why))
        }
        Language::Jq => {
            let filter = compiled.filter(&request.source);
            let filter = filter.map_err(|error| error.to_string());
            filter.and_then(|filter| filter.run(&request.input))
        }
    };
    match output {
        Ok(value) => Reply::Output {
            value,
            memory_mb: figures.memory().map_or(0, |(_, resident)| resident >> 20),
        },
        Err(message) => Reply::Error(message),
    }
}

/// What was compiled for earlier requests.
#[derive(Default)]
struct Compiled {
    filters: HashMap<String, Filter>,
    schemas: HashMap<String, Validator>,
}

impl Compiled {
    fn filter(&mut self, source: &str) -> Result<&Filter, FilterError> {
        if self.filters.len() >= MAX_FILTERS && !self.filters.contains_key(source) {
            self.filters.clear();
        }
        match self.filters.entry(source.to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(Filter::compile_here(source)?)),
        }
    }

    fn schema(&mut self, source: &str) -> Result<&Validator, String> {
        if self.schemas.len() >= MAX_SCHEMAS && !self.schemas.contains_key(source) {
            self.schemas.clear();
        }
        match self.schemas.entry(source.to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let schema: Value =
                    serde_json::from_str(source).map_err(|error| error.to_string())?;
                let validator = schema::compile_here(&schema)
                    .map_err(|error| format!("it is not a valid JSON Schema: {error}"))?;
                Ok(entry.insert(validator))
            }
        }
    }
}

/// Whether a value is valid, or what is wrong with it.
fn validated(validator: &Validator, value: &Value, is_asked_why: bool) -> Value {
    if !is_asked_why {
        return validator.is_valid(value).into();
    }
    match schema::describe(validator, value) {
        Verdict::Valid => "".into(),
        Verdict::Invalid(violation) => violation.into(),
        Verdict::Undecided => Value::Null,
    }
}

fn send(reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&line)?;
    output.flush()
}
