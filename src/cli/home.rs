//! `plandeck` without a plan: the home screen on a terminal, usage elsewhere.

use super::args::{Cli, ForkArgs, ReplayArgs, RunArgs};
use super::failure::Failure;
use super::load::screen_options;
use super::settings::Settings;
use super::{fork, run, samples, show};
use crate::plan::parse;
use crate::report::{DiagnosticStyle, local_time, render_faults};
use crate::run::{RunState, StepStatus};
use crate::store::{Details, RunSummary, RunWord, Store, StoreError};
use crate::tui::Outcome;
use crate::tui::home::{
    Answer, Choice, Chosen, Detail, PlanItem, PlanPlace, Request, RunItem, Source, Standing, choose,
};
use clap::CommandFactory;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Events of a run that are read for its detail at the most; of a longer one less is said.
const EVENTS: u64 = 100_000;
/// Errors that are kept of one run.
const FAILURES: usize = 50;
/// Folders that are looked into for plans, how deep, and how large a plan may be to be looked at.
const FOLDERS: usize = 500;
const DEEP: usize = 2;
const BYTES: u64 = 4_000_000;
/// Plans that are listed.
const PLANS: usize = 300;

/// Shows the home screen, and opens what is chosen in it.
pub async fn home(args: RunArgs) -> Result<u8, Failure> {
    if args.headless
        || args.json
        || args.events.is_some()
        || !std::io::stdout().is_terminal()
        || !std::io::stdin().is_terminal()
    {
        let usage = Cli::command().render_help();
        eprint!("{usage}");
        return Ok(super::NOTHING_RAN);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let (mut source, mut screen) = (args.source.clone(), args.screen.clone());
    Settings::load(&here)?.complete(&mut source, &mut screen)?;
    let mut trouble = None;
    loop {
        let options = screen_options(String::new(), &screen);
        let chosen = choose(Reader::start(here.clone()), trouble.take(), options).await;
        let choice = match chosen.map_err(|error| Failure::usage(error.to_string()))? {
            Chosen::This(choice) => choice,
            Chosen::Nothing(Outcome::Signal(number)) => return Ok(128 + number as u8),
            Chosen::Nothing(_) => return Ok(0),
        };
        match open(choice, &args).await {
            Ok(code) => return Ok(code),
            // Nothing ran: back to where something else can be chosen.
            Err(failure) => trouble = Some(words(&failure)),
        }
    }
}

async fn open(choice: Choice, args: &RunArgs) -> Result<u8, Failure> {
    let mut args = args.clone();
    let replay = |run: &Arc<str>, speed: f64| ReplayArgs {
        run: run.to_string(),
        speed,
        headless: false,
        screen: args.screen.clone(),
    };
    match choice {
        Choice::Look(run) => show::replay(replay(&run, 0.0)).await,
        Choice::Play(run) => show::replay(replay(&run, 1.0)).await,
        Choice::Open(PlanPlace::File(file)) => {
            args.plan = Some(file);
            run::run(args).await
        }
        Choice::Open(PlanPlace::Sample(name)) => {
            args.plan = Some(samples::unpack(&name, false)?);
            run::run(args).await
        }
        Choice::Restore(name) => {
            args.plan = Some(samples::unpack(&name, true)?);
            run::run(args).await
        }
        Choice::Fork(run) => {
            let fork = ForkArgs {
                run: run.to_string(),
                from: Vec::new(),
                input: Vec::new(),
                output: Vec::new(),
                options: args,
            };
            fork::fork(fork).await
        }
        Choice::Resume(run) => {
            args.record.resume = Some(run.to_string());
            run::run(args).await
        }
    }
}

fn words(failure: &Failure) -> String {
    match failure {
        Failure::Usage(message) => message.clone(),
        Failure::Faults(all) => {
            let style = DiagnosticStyle {
                width: 90,
                ..DiagnosticStyle::default()
            };
            let texts = all.iter().map(|faults| render_faults(faults, style));
            texts.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Reads the disk on a thread of its own.
struct Reader {
    requests: Sender<Request>,
    answers: UnboundedReceiver<Answer>,
    next: Option<Answer>,
}

impl Reader {
    fn start(here: PathBuf) -> Self {
        let (requests, received) = channel();
        let (send, answers) = unbounded_channel();
        std::thread::spawn(move || read(&here, &received, &send));
        Self {
            requests,
            answers,
            next: None,
        }
    }
}

impl Source for Reader {
    fn ask(&mut self, request: Request) {
        // The thread ends only with this.
        let _ = self.requests.send(request);
    }

    fn take(&mut self) -> Option<Answer> {
        self.next.take().or_else(|| self.answers.try_recv().ok())
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async {
            if self.next.is_none() {
                match self.answers.recv().await {
                    Some(answer) => self.next = Some(answer),
                    None => std::future::pending().await,
                }
            }
        }
        .boxed()
    }
}

fn read(here: &Path, requests: &Receiver<Request>, answers: &UnboundedSender<Answer>) {
    let mut store = None;
    while let Ok(first) = requests.recv() {
        // Whoever moves through the list wants the detail of where they stopped.
        let mut waiting: Vec<Request> = vec![first];
        waiting.extend(requests.try_iter());
        let last = waiting
            .iter()
            .rposition(|request| matches!(request, Request::Detail(_)));
        for (at, request) in waiting.into_iter().enumerate() {
            let told = match request {
                Request::Detail(_) if Some(at) != last => Ok(()),
                Request::Detail(run) => {
                    let detail = detail(&mut store, &run);
                    answers.send(Answer::Detail(run, detail))
                }
                Request::Runs => answers.send(Answer::Runs(runs(&mut store))),
                Request::Everything => answers
                    .send(Answer::Samples(samples::samples(here)))
                    .and_then(|()| answers.send(Answer::Runs(runs(&mut store))))
                    .and_then(|()| answers.send(Answer::Plans(plans(here)))),
            };
            if told.is_err() {
                return;
            }
        }
    }
}

/// The store, opened when it is first needed; `None` where nothing has been recorded yet.
fn opened(store: &mut Option<Store>) -> Result<Option<&Store>, StoreError> {
    if store.is_none() {
        match Store::open() {
            Ok(open) => *store = Some(open),
            Err(StoreError::Empty(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(store.as_ref())
}

fn runs(store: &mut Option<Store>) -> Result<Vec<RunItem>, String> {
    let mut read = || match opened(store)? {
        Some(store) => store.runs(),
        None => Ok(Vec::new()),
    };
    let runs = read().map_err(|error| error.to_string())?;
    let gone_on_with: HashSet<Arc<str>> = runs
        .iter()
        .filter_map(|run| run.resumed_from.clone())
        .collect();
    Ok(runs
        .into_iter()
        .map(|run| item(run, &gone_on_with))
        .collect())
}

fn item(run: RunSummary, gone_on_with: &HashSet<Arc<str>>) -> RunItem {
    let started = run.started_at.parse::<Timestamp>();
    RunItem {
        standing: match run.status {
            RunWord::Running => Standing::Running,
            RunWord::Interrupted if gone_on_with.contains(&run.run_id) => Standing::Continued,
            RunWord::Interrupted => Standing::Interrupted,
            RunWord::Succeeded => Standing::Succeeded,
            RunWord::Failed => Standing::Failed,
            RunWord::LimitExceeded => Standing::LimitExceeded,
            RunWord::Cancelled => Standing::Cancelled,
        },
        started: started.map_or(0, Timestamp::as_second),
        started_at: local_time(&run.started_at).into(),
        took: run.latency,
        cost: run.cost,
        done: run.steps_completed,
        failed: run.steps_failed,
        steps: run.steps,
        worker: run.worker.unwrap_or_default(),
        resumed_from: run.resumed_from,
        forked_from: run.forked_from,
        plan: run.plan,
        run_id: run.run_id,
    }
}

fn detail(store: &mut Option<Store>, id: &str) -> Detail {
    let mut read = || -> Result<Detail, StoreError> {
        let Some(store) = opened(store)? else {
            return Ok(Detail::default());
        };
        let run = store.find(id)?;
        let Details { plan_path, .. } = store.details(&run)?;
        if run.events > EVENTS {
            return Ok(Detail {
                plan_path,
                ..Detail::default()
            });
        }
        let recording = store.load(&run);
        let state = RunState::from_events(&recording.events);
        let damage = recording.damage.map(|damage| damage.to_string().into());
        let unrecorded = "the journal broke while it went on: more happened than is on record";
        let rows = || state.steps.iter();
        let failed = rows().filter(|row| row.status.went_wrong()).take(FAILURES);
        let cut_short = run.status == RunWord::Interrupted;
        let under_way = rows().filter(|row| {
            row.status == StepStatus::Unknown || cut_short && row.under_way().is_some()
        });
        Ok(Detail {
            plan_path,
            failed: failed
                .filter(|row| row.status == StepStatus::Failed)
                .map(|row| {
                    let why = row.error.as_ref().map_or("", |error| &error.message);
                    (row.info.id.clone(), crate::text::gist(why).into())
                })
                .collect(),
            under_way: under_way
                .take(FAILURES)
                .map(|row| row.info.id.clone())
                .collect(),
            simulated: state.header.as_ref().is_some_and(|header| header.simulated),
            fault: damage.or_else(|| recording.unrecorded.then(|| unrecorded.into())),
        })
    };
    read().unwrap_or_else(|error| Detail {
        fault: Some(error.to_string().into()),
        ..Detail::default()
    })
}

/// The plans in this folder and the folders in it, the nearest first.
fn plans(here: &Path) -> Vec<PlanItem> {
    let mut plans = Vec::new();
    let mut open = std::collections::VecDeque::from([(here.to_path_buf(), 0)]);
    let mut looked_into = 0;
    while let Some((folder, depth)) = open.pop_front() {
        looked_into += 1;
        if looked_into > FOLDERS || plans.len() >= PLANS {
            break;
        }
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let hidden = path
                .file_name()
                .is_none_or(|name| name.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            if path.is_dir() {
                let foreign = path
                    .file_name()
                    .is_some_and(|name| name == "node_modules" || name == "target");
                if depth < DEEP && !foreign && !(depth == 0 && samples::is_samples(&path)) {
                    open.push_back((path, depth + 1));
                }
            } else {
                plans.extend(plan(&path, here));
            }
        }
    }
    plans.truncate(PLANS);
    plans
}

/// The plan in a file, where it is one: told from its content, as when it is run.
fn plan(file: &Path, here: &Path) -> Option<PlanItem> {
    let ending = file.extension()?.to_str()?;
    // Pages about plans quote them: a page is run by its name, but it is not offered as a plan.
    let may_be = matches!(ending, "json" | "yaml" | "yml" | "txt");
    if !may_be || std::fs::metadata(file).ok()?.len() > BYTES {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    let shown = file.strip_prefix(here).unwrap_or(file).to_string_lossy();
    let draft = parse(&shown, &bytes)
        .ok()
        .filter(|draft| !draft.is_empty())?;
    // A file called so says less than its folder.
    let folder = file.parent().and_then(Path::file_name);
    let name = match (draft.name(), folder) {
        ("plan", Some(folder)) => folder.to_string_lossy(),
        (name, _) => name.into(),
    };
    Some(PlanItem {
        name: name.into(),
        place: PlanPlace::File(file.to_path_buf()),
        dialect: draft.dialect().to_string().into(),
        steps: draft.len(),
        about: "".into(),
        shown: shown.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_told_from_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        let plan = r#"{"steps": [{"id": "a", "tool": "t"}]}"#;
        write("one/plan.json", plan);
        write("two.yaml", "name: second\nsteps: [{id: a, tool: t}]\n");
        write("README.md", &format!("A page:\n\n```json\n{plan}\n```\n"));
        write("tools.yaml", "tools: {t: {type: jq, filter: .}}");
        write("data.json", "[1, 2]");
        write("target/plan.json", plan);
        write(".hidden/plan.json", plan);
        write("a/b/c/plan.json", plan);
        let found = plans(folder.path());
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|plan| (&*plan.name, &*plan.shown))
            .collect();
        assert_eq!(found, [("second", "two.yaml"), ("one", "one/plan.json")]);
    }
}
