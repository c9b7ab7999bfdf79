//! The way to the administration service.

use std::path::{Path, PathBuf};

use clap::Args;
use rpc::{AdminClient, ClusterFiles, Dialer};

use crate::cluster_service::{RemoteCluster, Services};

use crate::error::CliError;

/// How to reach the administration service. `--server` goes before the socket.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArguments {
    /// Unix socket of the administration service.
    #[arg(long, value_name = "PATH", env = "FACTEUR_ADMIN_SOCKET", global = true)]
    pub socket: Option<PathBuf>,
    /// Storage node to connect to over mutual TLS instead.
    #[arg(long, value_name = "HOST:PORT", global = true)]
    pub server: Option<String>,
    /// Certificates of the authority that signs the cluster's, PEM.
    #[arg(long, value_name = "FILE", requires = "server", global = true)]
    pub ca: Option<PathBuf>,
    /// The administrator's certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "server", global = true)]
    pub cert: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "server", global = true)]
    pub key: Option<PathBuf>,
}

/// What a connection gives.
pub struct Clients {
    administration: AdminClient,
    cluster: RemoteCluster,
}

impl Clients {
    /// Returns what commands are carried out with.
    #[must_use]
    pub fn services(&self) -> Services<'_> {
        Services {
            administration: &self.administration,
            cluster: &self.cluster,
        }
    }
}

impl ConnectionArguments {
    /// Connects, to `socket` when the command line does not say where to.
    ///
    /// # Errors
    /// When the service cannot be reached, or the certificate files are of no use.
    pub async fn connect(&self, socket: &Path) -> Result<Clients, CliError> {
        let dialer = self.dialer(socket)?;
        // A call would only tell that its outcome is not known.
        dialer.probe().await?;
        Ok(Clients {
            administration: AdminClient::new(&dialer),
            cluster: RemoteCluster::new(&dialer),
        })
    }

    fn dialer(&self, socket: &Path) -> Result<Dialer, CliError> {
        let Some(server) = &self.server else {
            let path = self.socket.as_deref().unwrap_or(socket);
            return Ok(Dialer::unix(path.to_owned()));
        };
        let file = |file: &Option<PathBuf>| file.clone().ok_or(CliError::CertificateMissing);
        let files = ClusterFiles {
            authorities: file(&self.ca)?,
            chain: file(&self.cert)?,
            key: file(&self.key)?,
        };
        Ok(Dialer::administrator(server.clone(), files)?)
    }
}
