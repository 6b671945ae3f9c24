//! Starts to send what runs do, by the environment and the settings.

use super::settings::Settings;
use crate::models::process_environment;
use crate::telemetry;
use std::path::Path;

/// Has the runs of this process sent where the environment or the settings for `folder` say so. Returns what the user is to
/// know: what is wrong, or what is not done without trust. A settings file that cannot be read is reported by what else
/// reads it.
pub(crate) fn start_telemetry(folder: &Path) -> Option<String> {
    let settings = Settings::load(folder).unwrap_or_default().telemetry;
    let environment = process_environment();
    if !settings.is_trusted() {
        let note = settings.of_project.as_deref().map(|file| {
            let place = file.parent().unwrap_or(file);
            format!(
                "[telemetry] of {} has no effect: run `plandeck trust {}` to trust that folder",
                file.display(),
                place.display()
            )
        });
        let fault = telemetry::start(&environment);
        return fault.map(|fault| fault.to_string()).or(note);
    }
    match settings.under(environment) {
        Ok(environment) => telemetry::start(&environment).map(|fault| fault.to_string()),
        Err(why) => Some(format!(
            "OpenTelemetry is off: [telemetry] of the settings: {why}"
        )),
    }
}
