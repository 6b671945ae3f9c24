//! MCP servers beside the catalog: of `--mcp-config`, and of `.mcp.json` in the project.

use super::error::SessionError;
use crate::plan::Draft;
use crate::tools::{BUILTINS, Catalog};
use std::path::{Path, PathBuf};

/// The file in which other programs name the servers of a project.
const OF_PROJECT: &str = ".mcp.json";

/// How the tools of agents begin, which have no entry in the catalog.
const AGENT: &str = "agent_";

/// Adds servers to the catalog of the plan in the file `plan`, and expects of them the tools that the plan calls and the
/// catalog does not have.
///
/// # Errors
/// Where a file with servers cannot be read.
pub(super) fn add_servers(
    catalog: &mut Catalog,
    plan: &Path,
    files: &[PathBuf],
    draft: &Draft,
) -> Result<(), SessionError> {
    let names: Vec<&str> = draft.tool_names().collect();
    add_files(catalog, files)?;
    let is_unknown = |catalog: &Catalog, name: &str| {
        !BUILTINS.contains(&name) && !name.starts_with(AGENT) && catalog.get(name).is_none()
    };
    let needs_more = catalog.lacks_a_server() || names.iter().any(|name| is_unknown(catalog, name));
    if needs_more {
        add_project(catalog, plan)?;
    }
    for name in names {
        if is_unknown(catalog, name) {
            catalog.expect(name);
        }
    }
    Ok(())
}

/// Adds the servers of these files and of the project.
///
/// # Errors
/// Where a file with servers cannot be read.
pub(crate) fn all_servers(
    catalog: &mut Catalog,
    plan: &Path,
    files: &[PathBuf],
) -> Result<(), SessionError> {
    add_files(catalog, files)?;
    add_project(catalog, plan)
}

fn add_files(catalog: &mut Catalog, files: &[PathBuf]) -> Result<(), SessionError> {
    for file in files {
        let servers = Catalog::load(file)?;
        if servers.mcp_servers.is_empty() {
            return Err(SessionError::NoServers(file.clone()));
        }
        catalog.merge_servers(servers);
    }
    Ok(())
}

/// Adds the servers of the project that the catalog does not have.
fn add_project(catalog: &mut Catalog, plan: &Path) -> Result<(), SessionError> {
    if let Some(file) = of_project(plan) {
        let mut servers = Catalog::load(&file)?;
        servers
            .mcp_servers
            .retain(|name, _| !catalog.mcp_servers.contains_key(name));
        catalog.merge_servers(servers);
    }
    Ok(())
}

/// The project's file with servers: in the folder of the plan, or, in a git repository, in the nearest folder above.
fn of_project(plan: &Path) -> Option<PathBuf> {
    let folder = plan.parent().unwrap_or(Path::new(""));
    let folder = std::path::absolute(Path::new(".").join(folder)).ok()?;
    let root = folder
        .ancestors()
        .find(|folder| folder.join(".git").exists());
    let root = root.unwrap_or(&folder);
    let inside = folder
        .ancestors()
        .take_while(|folder| folder.starts_with(root));
    inside
        .map(|folder| folder.join(OF_PROJECT))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_project_is_found_up_to_its_root() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("repo/plans");
        std::fs::create_dir_all(&below).unwrap();
        let plan = below.join("p.yaml");
        let outside = folder.path().join(OF_PROJECT);
        std::fs::write(&outside, "{}").unwrap();
        assert_eq!(of_project(&plan), None);
        std::fs::create_dir(folder.path().join("repo/.git")).unwrap();
        assert_eq!(of_project(&plan), None);
        let above = folder.path().join("repo").join(OF_PROJECT);
        std::fs::write(&above, "{}").unwrap();
        assert_eq!(of_project(&plan), Some(above));
        let own = below.join(OF_PROJECT);
        std::fs::write(&own, "{}").unwrap();
        assert_eq!(of_project(&plan), Some(own));
    }
}
