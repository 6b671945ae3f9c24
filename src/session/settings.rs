//! Settings from files: the nearest `plandeck.toml` in this folder or above, then the user's own file.

use super::error::SessionError;
use super::folders::user_folder;
use super::key_settings::{self, KeySetting};
use super::options::SourceOptions;
use super::telemetry_settings::TelemetrySettings;
use crate::engine;
use crate::models::{Price, PriceError, Prices, SmallModelWorker};
use crate::run::{Rates, ResourceLimits};
use crate::units::Money;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of the settings file of a project.
const FILE: &str = "plandeck.toml";

/// The content of a settings file. Command line and environment override it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// As `--worker`.
    pub worker: Option<String>,
    /// As `--planner`.
    pub planner: Option<String>,
    /// As `--base-url`.
    pub base_url: Option<String>,
    /// The project's file, where the base URL is from one: the user has not chosen that address.
    #[serde(skip)]
    pub base_url_of: Option<PathBuf>,
    /// Whether answers of models are requested as streams; `None` for the default, which is that they are.
    pub stream: Option<bool>,
    /// The longest time without a byte of a model's answer, in seconds; a tool's own comes first.
    pub stall_timeout_s: Option<f64>,
    /// How long a call may be made after it was approved, in seconds; 0 for as long as it takes.
    pub approval_expires_s: Option<f64>,
    /// As `--theme`.
    pub theme: Option<String>,
    /// As `--color`.
    pub color: Option<String>,
    /// Whether the dashboard takes in what the mouse does; `None` for the default, which is that it does.
    pub mouse: Option<bool>,
    /// Whether the title of the window says how the run stands; `None` for the default, which is that it does.
    pub title: Option<bool>,
    /// Whether the task bar shows the progress of the run; `None` for the default, which is that it does.
    pub progress: Option<bool>,
    /// How the user is told of the end and of failures while the terminal does not have the focus.
    pub notify: Option<String>,
    /// The user's own keys, with their places.
    #[serde(skip)]
    pub key_settings: Vec<KeySetting>,
    /// The same as they are written.
    keys: toml::Table,
    /// The limits, named as the options are; `"none"` removes one.
    limits: BTreeMap<String, toml::Value>,
    /// Rate limits by model or pool.
    pub rates: Rates,
    /// Prices by model, in dollars per million tokens.
    pub prices: BTreeMap<String, PriceSetting>,
    /// Where runs are sent.
    pub(super) telemetry: TelemetrySettings,
}

/// A model's price, in dollars per million tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceSetting {
    /// Price of input tokens.
    pub input: f64,
    /// Price of input tokens from the provider's cache; defaults to `input`.
    pub cached: Option<f64>,
    /// Price of input tokens that the provider writes to its cache for 5 minutes; defaults to `input`.
    pub cache_write: Option<f64>,
    /// Price of input tokens that the provider writes to its cache for an hour; defaults to `cache_write`.
    pub cache_write_1h: Option<f64>,
    /// Price of output tokens.
    pub output: f64,
}

impl PriceSetting {
    /// The price as an exact amount.
    pub fn price(&self) -> Result<Price, PriceError> {
        let text = |price: Option<f64>| price.map(|price| price.to_string());
        let price = Price::per_million(
            &self.input.to_string(),
            text(self.cached).as_deref(),
            &self.output.to_string(),
        )?;
        price.cache_writes(
            text(self.cache_write).as_deref(),
            text(self.cache_write_1h).as_deref(),
        )
    }
}

impl Settings {
    /// The settings for `folder`: those of `PLANDECK_CONFIG` alone if that is set, else the nearest `plandeck.toml`
    /// over the user's own file.
    pub fn load(folder: &Path) -> Result<Self, SessionError> {
        if let Some(file) = std::env::var_os("PLANDECK_CONFIG") {
            return Self::read(Path::new(&file));
        }
        let project = folder
            .ancestors()
            .map(|folder| folder.join(FILE))
            .find(|file| file.is_file());
        let user = user_file().filter(|file| file.is_file());
        let project = match project {
            Some(file) => {
                let settings = Self::read(&file)?;
                let base_url_of = settings.base_url.is_some().then(|| file.clone());
                Self {
                    base_url_of,
                    telemetry: settings.telemetry.of_project(&file),
                    ..settings
                }
            }
            None => Self::default(),
        };
        let user = user.map_or_else(|| Ok(Self::default()), |file| Self::read(&file))?;
        Ok(project.or(user))
    }

    fn read(file: &Path) -> Result<Self, SessionError> {
        let place = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| SessionError::file(place.to_string(), error))?;
        let mut settings: Self = toml::from_str(&text)
            .map_err(|error| SessionError::Settings(format!("{place}: {error}")))?;
        settings.keys.clear();
        settings.key_settings = key_settings::read(file, &text);
        settings
            .limits_over(ResourceLimits::none())
            .map_err(|why| SessionError::Settings(format!("{place}: {why}")))?;
        let faults = [
            settings.stall_timeout().err(),
            settings.approval_lifetime().err(),
        ];
        if let Some(why) = faults.into_iter().flatten().next() {
            return Err(SessionError::Settings(format!("{place}: {why}")));
        }
        Ok(settings)
    }

    /// How long a call may be made after it was approved; `None` for as long as it takes.
    ///
    /// # Errors
    /// Where it is no number of seconds.
    pub fn approval_lifetime(&self) -> Result<Option<Duration>, String> {
        let Some(seconds) = self.approval_expires_s else {
            return Ok(engine::Settings::default().approval_lifetime);
        };
        match Duration::try_from_secs_f64(seconds) {
            Ok(span) => Ok(Some(span).filter(|span| !span.is_zero())),
            Err(_) => Err("approval_expires_s must be a number of seconds".to_owned()),
        }
    }

    fn stall_timeout(&self) -> Result<Option<Duration>, String> {
        let Some(seconds) = self.stall_timeout_s else {
            return Ok(None);
        };
        match Duration::try_from_secs_f64(seconds) {
            Ok(span) if !span.is_zero() => Ok(Some(span)),
            _ => Err("stall_timeout_s must be a number of seconds above 0".to_owned()),
        }
    }

    /// `worker` with the prices of the settings, and with how its answers are requested.
    ///
    /// # Errors
    /// Where a price or a time is not valid.
    pub(crate) fn applied_to(
        &self,
        worker: SmallModelWorker,
    ) -> Result<SmallModelWorker, SessionError> {
        let stall_timeout = self.stall_timeout().map_err(SessionError::Settings)?;
        Ok(worker
            .prices(self.model_prices()?)
            .streaming(self.stream.unwrap_or(true))
            .stall_timeout(stall_timeout))
    }

    /// These settings, completed with those of `other`.
    fn or(self, other: Self) -> Self {
        let mut limits = other.limits;
        limits.extend(self.limits);
        let mut rates = other.rates;
        rates.0.extend(self.rates.0);
        let mut prices = other.prices;
        prices.extend(self.prices);
        Self {
            telemetry: self.telemetry.or(other.telemetry),
            worker: self.worker.or(other.worker),
            planner: self.planner.or(other.planner),
            base_url: self.base_url.or(other.base_url),
            base_url_of: self.base_url_of.or(other.base_url_of),
            stream: self.stream.or(other.stream),
            stall_timeout_s: self.stall_timeout_s.or(other.stall_timeout_s),
            approval_expires_s: self.approval_expires_s.or(other.approval_expires_s),
            theme: self.theme.or(other.theme),
            color: self.color.or(other.color),
            mouse: self.mouse.or(other.mouse),
            title: self.title.or(other.title),
            progress: self.progress.or(other.progress),
            notify: self.notify.or(other.notify),
            key_settings: key_settings::over(self.key_settings, other.key_settings),
            keys: toml::Table::new(),
            limits,
            rates,
            prices,
        }
    }

    /// Today's built-in prices, with those of the settings.
    pub(crate) fn model_prices(&self) -> Result<Prices, SessionError> {
        let mut prices = Prices::default();
        for (model, setting) in &self.prices {
            let price = setting.price().map_err(|why| {
                SessionError::Settings(format!("the price of {model} in the settings: {why}"))
            })?;
            prices = prices.with(model, price);
        }
        Ok(prices)
    }

    /// Fills in worker and base URL where the caller gave none.
    pub fn complete(&self, source: &mut SourceOptions) {
        if source.worker.is_none() {
            source.worker.clone_from(&self.worker);
        }
        if source.base_url.is_none() {
            source.base_url.clone_from(&self.base_url);
            source.base_url_of.clone_from(&self.base_url_of);
        }
    }

    /// These limits, over the defaults of the command line.
    pub fn limits(&self) -> Result<ResourceLimits, SessionError> {
        self.limits_over(ResourceLimits::command_line())
            .map_err(SessionError::Settings)
    }

    fn limits_over(&self, mut limits: ResourceLimits) -> Result<ResourceLimits, String> {
        for (name, value) in &self.limits {
            let amount = limit_value(name, value)?;
            let whole = amount.map(|amount| amount as u64);
            match name.as_str() {
                "max_memory_mb" => limits.max_memory_mb = whole,
                "max_cpu_percent" => limits.max_cpu_percent = whole.map(|n| n as u32),
                "timeout_seconds" => limits.timeout_seconds = amount,
                "max_tool_calls" => limits.max_tool_calls = whole,
                "max_concurrent" => limits.max_concurrent = whole.map(|n| n as u32),
                "max_total_cost_usd" => limits.max_total_cost_usd = amount.map(Money::from_usd),
                _ => return Err(format!("[limits] has no setting {name}")),
            }
        }
        Ok(limits)
    }
}

fn limit_value(name: &str, value: &toml::Value) -> Result<Option<f64>, String> {
    match value {
        toml::Value::Integer(n) if *n >= 0 => Ok(Some(*n as f64)),
        toml::Value::Float(x) if *x >= 0.0 && x.is_finite() => Ok(Some(*x)),
        toml::Value::String(word) if word == "none" => Ok(None),
        _ => Err(format!(
            "[limits] {name}: must be a number of at least 0, or \"none\""
        )),
    }
}

fn user_file() -> Option<PathBuf> {
    Some(user_folder()?.join("config.toml"))
}

/// The folders of the user's own themes: `themes` beside the file that `PLANDECK_CONFIG` names, then in the user's
/// configuration folder.
pub fn theme_folders() -> Vec<PathBuf> {
    let named = std::env::var_os("PLANDECK_CONFIG").map(PathBuf::from);
    let beside = named.and_then(|file| file.parent().map(Path::to_path_buf));
    let folders = beside.into_iter().chain(user_folder());
    folders.map(|folder| folder.join("themes")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_file_wins_and_the_other_fills_in() {
        let near: Settings =
            toml::from_str("worker = 'offline'\n[limits]\nmax_concurrent = 2").unwrap();
        let far: Settings =
            toml::from_str("worker = 'x'\ntheme = 'light'\n[limits]\nmax_total_cost_usd = 'none'")
                .unwrap();
        let both = near.or(far);
        assert_eq!(both.worker.as_deref(), Some("offline"));
        assert_eq!(both.theme.as_deref(), Some("light"));
        let limits = both.limits_over(ResourceLimits::command_line()).unwrap();
        assert_eq!(limits.max_concurrent, Some(2));
        assert_eq!(limits.max_total_cost_usd, None);
    }

    #[test]
    fn unknown_settings_are_refused() {
        assert!(toml::from_str::<Settings>("wroker = 'x'").is_err());
        let settings: Settings = toml::from_str("[limits]\nmax_steps = 2").unwrap();
        assert!(settings.limits_over(ResourceLimits::none()).is_err());
    }

    /// Every key of the sample, uncommented: it reads, and it leaves no setting out.
    #[test]
    fn the_sample_file_has_every_key() {
        let sample = include_str!("../../docs/plandeck.toml");
        let is_setting = |line: &&str| {
            line.starts_with('[')
                || line
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' '))
        };
        let text: Vec<_> = sample
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(is_setting)
            .collect();
        let sample: Settings = toml::from_str(&text.join("\n")).unwrap();
        let limits = serde_json::to_value(ResourceLimits::default()).unwrap();
        let limits: Vec<_> = limits.as_object().unwrap().keys().collect();
        let mut named: Vec<_> = sample.limits.keys().collect();
        named.sort();
        assert_eq!(named.len(), limits.len(), "{named:?} of {limits:?}");
        assert!(named.iter().all(|name| limits.contains(name)));
        // Without `..`: a setting that is added is to be named here, and in the sample.
        let Settings {
            worker,
            planner,
            base_url,
            base_url_of: _,
            stream,
            stall_timeout_s,
            approval_expires_s,
            theme,
            color,
            mouse,
            title,
            progress,
            notify,
            key_settings: _,
            keys,
            limits,
            rates,
            prices,
            telemetry,
        } = sample;
        let limits = Settings {
            limits,
            ..Settings::default()
        };
        assert!(limits.limits_over(ResourceLimits::none()).is_ok());
        assert!(
            [worker, planner, base_url, theme, color, notify]
                .iter()
                .all(Option::is_some)
        );
        telemetry.has_everything();
        assert!(stream.is_some() && stall_timeout_s.is_some() && mouse.is_some());
        assert!(approval_expires_s.is_some());
        assert!(title.is_some() && progress.is_some());
        assert!(keys.len() > 1 && keys["home"].is_table());
        let rate = rates.0["gpt-4o-mini"];
        let rate = [
            rate.requests_per_minute,
            rate.tokens_per_minute,
            rate.max_concurrent,
        ];
        assert!(rate.iter().all(Option::is_some));
        let price = &prices["my-model"];
        let optional = [price.cached, price.cache_write, price.cache_write_1h];
        assert!(optional.iter().all(Option::is_some) && price.price().is_ok());
    }
}
