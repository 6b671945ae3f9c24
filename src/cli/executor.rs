//! Where the calls of a run are carried out.

use super::failure::Failure;
use crate::remote::restate::{RestateAddress, RestateExecutor};
use crate::tools::Executor;
use std::sync::Arc;

/// The executor that `--on` names; `None` for this process.
///
/// # Errors
/// Where it is no address; where the engine cannot be used.
pub(super) async fn executor(on: Option<&str>) -> Result<Option<Arc<dyn Executor>>, Failure> {
    let Some(on) = on.filter(|on| *on != "local") else {
        return Ok(None);
    };
    let address: RestateAddress = on
        .parse()
        .map_err(|fault| Failure::usage(format!("--on: {fault}")))?;
    let executor = RestateExecutor::connect(address).await;
    let executor = executor.map_err(|error| Failure::usage(format!("--on {on}: {error}")))?;
    Ok(Some(Arc::new(executor)))
}
