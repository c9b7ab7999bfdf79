//! What each process of the demo needs to be known by the others: issued as for a cluster of several machines, so that
//! no process but the first holds the key of the authority, and no proxy the secret of the storage nodes.

use std::path::Path;
use std::time::Duration;

use tls::pki::Validity;
use tls::{CertificatePem, LocalAuthority, PeerIdentity, Role};

use super::member::{Member, Part};
use super::place::Place;
use crate::compose::keys::ClusterKeys;
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

/// Where the authority is, and where each process looks for what it was issued.
const DIRECTORY: &str = "tls";
/// Each start issues anew, so this is how long the demo may run; mail programs refuse what lasts longer than 398 days.
const LASTS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Makes the authority at the first start, and issues the certificates of every process.
///
/// # Errors
/// When files cannot be read or written.
pub fn issue(place: &Place) -> Result<(), Failure> {
    let directory = place.data.join(DIRECTORY);
    let authority = LocalAuthority::open(&directory, Machine::time());
    let authority = authority.or_exit(Exit::CannotCreate, directory.display())?;
    ClusterKeys::open(&directory)?;
    for member in place.members() {
        let own = place.data.private(&format!("{}/{DIRECTORY}", member.name()))?;
        copy("ca.pem", &directory, &own)?;
        issue_roles(&authority, member, &own)?;
        match member.part {
            Part::Storage => {
                let secret = ClusterKeys::path(Path::new(""));
                copy(&secret.to_string_lossy(), &directory, &own)?;
            }
            Part::Proxy => issue_server(&authority, member, &own)?,
        }
    }
    Ok(())
}

/// Issues what a process shows to the others of the cluster.
fn issue_roles(authority: &LocalAuthority, member: &Member, directory: &Path) -> Result<(), Failure> {
    let roles: &[Role] = match member.part {
        Part::Storage => &[Role::Storage],
        Part::Proxy => &[Role::Proxy, Role::Lmtp],
    };
    for role in roles {
        let identity = PeerIdentity {
            role: *role,
            node: member.node(),
        };
        let issued = authority.authority().issue_role(&identity, validity());
        let issued = issued.or_exit(Exit::Software, &identity)?;
        write(&issued, directory, &format!("{role}-{}", identity.node))?;
    }
    Ok(())
}

/// Issues what a proxy shows to mail programs.
fn issue_server(authority: &LocalAuthority, member: &Member, directory: &Path) -> Result<(), Failure> {
    let names = [
        member.address().to_string(),
        member.name(),
        "localhost".to_owned(),
    ];
    let issued = authority.authority().issue_server(&names, validity());
    let issued = issued.or_exit(Exit::Software, "certificate of the mail server")?;
    write(&issued, directory, "server")
}

fn validity() -> Validity {
    Validity {
        issued: Machine::time(),
        lasts: LASTS,
    }
}

fn write(issued: &CertificatePem, directory: &Path, name: &str) -> Result<(), Failure> {
    let files = [("key", issued.key.as_str()), ("pem", issued.chain.as_str())];
    for (extension, text) in files {
        let path = directory.join(format!("{name}.{extension}"));
        durable_file::replace(&path, text.as_bytes()).or_exit(Exit::CannotCreate, path.display())?;
    }
    Ok(())
}

fn copy(name: &str, from: &Path, to: &Path) -> Result<(), Failure> {
    let (from, to) = (from.join(name), to.join(name));
    let octets = std::fs::read(&from).or_exit(Exit::Io, from.display())?;
    durable_file::replace(&to, &octets).or_exit(Exit::CannotCreate, to.display())
}
