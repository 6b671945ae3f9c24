//! Certificates and keys in files: whom a client trusts, and who it is.

use reqwest::{Certificate, ClientBuilder, Identity};
use std::path::{Path, PathBuf};

/// The most bytes of one file.
const MAX_BYTES: u64 = 1 << 20;

/// The files of one connection, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TlsFiles {
    /// Issuers that are trusted besides those of the system.
    pub ca: Option<PathBuf>,
    /// The client's certificate, with its chain, and its private key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// Has a client use them.
    ///
    /// # Errors
    /// Names the file that cannot be used, and why.
    pub(super) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, String> {
        if let Some(ca) = &self.ca {
            let issuers = Certificate::from_pem_bundle(&read(ca)?);
            let issuers = issuers.ok().filter(|issuers| !issuers.is_empty());
            let issuers =
                issuers.ok_or_else(|| format!("{} is not a certificate in PEM", ca.display()))?;
            builder = builder.tls_certs_merge(issuers);
        }
        if let Some((certificate, key)) = &self.client {
            let mut pem = read(certificate)?;
            pem.push(b'\n');
            pem.extend(read(key)?);
            let identity = Identity::from_pem(&pem).map_err(|_| {
                format!(
                    "{} and {} are not a certificate and its private key in PEM",
                    certificate.display(),
                    key.display()
                )
            })?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let failed = |why: String| format!("{} cannot be read: {why}", file.display());
    let metadata = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?;
    if metadata.len() > MAX_BYTES {
        return Err(failed(format!("it has {} bytes", metadata.len())));
    }
    std::fs::read(file).map_err(|error| failed(error.to_string()))
}
