//! Debian's Dovecot in the place of our server, to tell a mail program's trouble from ours.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;

use crate::certificates::Certificates;
use crate::process::Process;
use crate::server::{ACCOUNTS, Access, PASSWORD};
use crate::{Imap, Program, Scratch, Server, wait};

/// The account of Debian that owns nothing, and its group.
const NOBODY: u32 = 65_534;

/// A server that mail programs are driven against.
#[derive(Debug)]
pub struct Target {
    access: Access,
    // Runs as long as it is held.
    _server: Running,
}

#[derive(Debug)]
enum Running {
    Ours { _server: Box<Server> },
    Dovecot { _process: Process, _scratch: Scratch },
}

impl Target {
    /// Starts our server, or what `FACTEUR_STAND_IN` names.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start() -> Self {
        match std::env::var("FACTEUR_STAND_IN").as_deref() {
            Ok("dovecot") => Self::dovecot(),
            _ => {
                let server = Box::new(Server::start());
                Self {
                    access: server.access().clone(),
                    _server: Running::Ours { _server: server },
                }
            }
        }
    }

    /// Starts Debian's Dovecot, on a directory of its own and on loopback only.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn dovecot() -> Self {
        start_dovecot()
    }

    /// Returns how to reach it.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }
}

/// Returns an address that nobody listens on. Only programs that cannot be told to let the kernel choose need it.
///
/// # Panics
/// When the machine has no loopback.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("the address of a listener")
}

fn start_dovecot() -> Target {
    let scratch = Scratch::new();
    let certificates = Certificates::make(&scratch);
    let access = Access {
        imap: free_address(),
        imaps: free_address(),
        lmtp: free_address(),
        user: ACCOUNTS[0].to_owned(),
        other_user: ACCOUNTS[1].to_owned(),
        password: PASSWORD.to_owned(),
        certificates,
    };
    let config = scratch.file("dovecot.conf", dovecot_config(&scratch, &access));
    let _users = scratch.file("users", dovecot_users(&scratch));
    let mail = scratch.folder("mail");
    if rustix::process::geteuid().is_root() {
        // Dovecot wants mail to belong to somebody but root.
        std::os::unix::fs::chown(&mail, Some(NOBODY), Some(NOBODY)).expect("another owner of the mail");
    }
    let mut command = Command::new("dovecot");
    command.arg("-F").arg("-c").arg(&config);
    let process = Process::start(&mut command, &scratch.join("dovecot.log"));
    wait::until("Dovecot", || Imap::connect(&access).ok());
    Target {
        access,
        _server: Running::Dovecot {
            _process: process,
            _scratch: scratch,
        },
    }
}

fn dovecot_config(scratch: &Scratch, access: &Access) -> String {
    let base = scratch.path().display();
    let certificates = &access.certificates;
    format!(
        "protocols = imap lmtp
listen = 127.0.0.1
base_dir = {base}/run
state_dir = {base}/run
log_path = /dev/stderr
mail_location = sdbox:{base}/mail/%u
auth_failure_delay = 0
auth_mechanisms = plain login scram-sha-256
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
passdb {{
  driver = passwd-file
  args = {base}/users
}}
userdb {{
  driver = passwd-file
  args = {base}/users
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
protocol lmtp {{
  postmaster_address = postmaster@example.org
}}
{rights}",
        certificate = certificates.certificate.display(),
        key = certificates.key.display(),
        imap = access.imap.port(),
        imaps = access.imaps.port(),
        lmtp = access.lmtp.port(),
        rights = rights(),
    )
}

/// Returns what lets Dovecot run as whoever runs the tests: it changes neither its user nor its root.
fn rights() -> String {
    if rustix::process::geteuid().is_root() {
        return String::new();
    }
    let name = |option: &str| {
        Program::new("id")
            .arguments([option, "-n"])
            .succeed()
            .trim()
            .to_owned()
    };
    let (user, group) = (name("-u"), name("-g"));
    let services =
        ["anvil", "imap-login", "stats"].map(|service| format!("service {service} {{\n  chroot =\n}}\n"));
    format!(
        "default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n{}",
        services.concat()
    )
}

/// Returns the accounts as a file of passwd's form.
fn dovecot_users(scratch: &Scratch) -> String {
    let base = scratch.path().display();
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    let (uid, gid) = match uid.is_root() {
        true => (NOBODY, NOBODY),
        false => (uid.as_raw(), gid.as_raw()),
    };
    let user = |name: &&str| format!("{name}:{{PLAIN}}{PASSWORD}:{uid}:{gid}::{base}/mail/{name}::\n");
    ACCOUNTS.iter().map(user).collect()
}
