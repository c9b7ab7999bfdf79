//! `facteur serve --demo`: a server that is ready to be tried, with an account and mail.
//!
//! The first start chooses ports and writes them, with a few more settings, to `demo.toml` in the data directory;
//! every later start reads that file, so that it serves the same mail at the same place and prints the same lines.
//! With `--nodes` or `--proxies` it is a cluster of processes instead; see `demo/cluster.rs`.

mod account;
mod banner;
pub mod cluster;
mod mail;
mod place;
mod shape;

use crate::compose::links;
use crate::compose::server::Server;
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};
use crate::output;

pub use place::prepare;
pub use shape::Shape;

/// Present once the sample mail has been delivered, so that mail that was deleted stays deleted.
const DELIVERED_FILE: &str = "demo-mail";

/// Makes the demo account and its mail if they are not there, and says how to reach them.
///
/// # Errors
/// When the storage refuses.
pub async fn furnish(server: &Server) -> Result<(), Failure> {
    let (site, storage) = (server.site(), server.storage());
    let storage = storage.ok_or_else(|| Failure::new(Exit::Software, "the demo needs a storage node"))?;
    let password = account::password(&site.data)?;
    let router = links::router(site, tls::Role::Storage, Some(&storage.node))?;
    let account = account::ensure(&router, &password).await?;
    let marker = site.data.join(DELIVERED_FILE);
    if !marker.exists() {
        let group = site.topology.layout.slots().group_of(account.slot());
        let destination = mail::Destination {
            admin: &storage.node,
            delivery: &storage.node,
            group,
            account,
        };
        mail::deliver(&destination).await?;
        durable_file::replace(&marker, b"").or_exit(Exit::CannotCreate, marker.display())?;
    }
    let authority = site.certificates.authority_path();
    output::say(&banner::banner(
        server.addresses(),
        &password,
        authority.as_deref(),
        site.data.path(),
    ))
}
