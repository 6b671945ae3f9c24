//! The view of a batch that this process runs.

use crate::cli::args::run::ScreenArgs;
use crate::cli::batch_view::view;
use crate::cli::failure::Failure;
use crate::store::Store;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// How often the record of a batch that begins is looked for.
const SOON: Duration = Duration::from_millis(10);

/// Shows the batch until the user leaves; `stop` stops it. Gives the exit code where a signal ended the view.
pub(super) async fn show_live(
    home: &Path,
    batch: &str,
    look: &ScreenArgs,
    stop: watch::Sender<bool>,
) -> Result<Option<u8>, Failure> {
    loop {
        // Whoever runs the batch says why it cannot begin.
        if let Ok(store) = Store::at(home)
            && let Ok(record) = store.find_batch(batch)
        {
            return view(home, &record, look, Some(stop)).await;
        }
        tokio::time::sleep(SOON).await;
    }
}
