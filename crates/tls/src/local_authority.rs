//! Certificates for a server that was given none: an authority and a server certificate, made on
//! first start and kept in a directory.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::certificate::{CertificateFiles, CertificatePem, ServedCertificate, expiry};
use crate::error::TlsError;
use crate::files::{self, Visibility};
use crate::identity::PeerIdentity;
use crate::pki::{Authority, Validity};

/// People import the authority into their mail programs by hand, so it must last.
const AUTHORITY_LASTS: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);
/// Apple's mail programs refuse server certificates that last longer than 398 days.
const CERTIFICATE_LASTS: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// A certificate is replaced when less than this is left of it.
const RENEWED_BEFORE_EXPIRY: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// An authority whose files lie in one directory: `ca.pem` to be trusted by others, `ca.key` (mode
/// 0600), and `NAME.pem` with `NAME.key` (0600) for each certificate that it keeps.
#[derive(Debug)]
pub struct LocalAuthority {
    directory: PathBuf,
    authority: Authority,
}

/// A certificate that a [`LocalAuthority`] keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCertificate {
    /// Where it lies.
    pub files: CertificateFiles,
    /// Whether this call made it, for the first time or again.
    pub renewed: bool,
}

impl LocalAuthority {
    /// Opens the authority in `directory`, making directory (mode 0700) and authority when they are
    /// not there. Fails when only one of certificate and key is there: replacing an authority
    /// silently would lock out every client that trusts it. A key alone that has issued nothing is
    /// what an interrupted first start leaves behind; nobody trusts it yet, and it is made anew.
    pub fn open(directory: &Path, now: SystemTime) -> Result<Self, TlsError> {
        create_directory(directory)?;
        let paths = paths(directory, "ca");
        let made_before = paths.chain.exists() || (paths.key.exists() && has_certificates(directory)?);
        let authority = if made_before {
            Authority::from_pem(&read_pem(&paths)?)?
        } else {
            let authority = Authority::create(
                "Facteur local authority",
                Validity {
                    issued: now,
                    lasts: AUTHORITY_LASTS,
                },
            )?;
            write_pem(&paths, &authority.to_pem())?;
            authority
        };
        Ok(Self {
            directory: directory.to_owned(),
            authority,
        })
    }

    /// Returns the file with the certificate that others must trust.
    pub fn certificate_path(&self) -> PathBuf {
        paths(&self.directory, "ca").chain
    }

    /// Returns the authority itself, to issue certificates that are kept elsewhere.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the mail server's certificate for `names`, made anew when there is none, when it will
    /// expire within 60 days, or when it lacks one of the DNS names. `localhost`, `127.0.0.1` and
    /// `::1` are always among the names. Call it daily; a running server picks the new files up.
    pub fn server_certificate(
        &self,
        names: &[String],
        now: SystemTime,
    ) -> Result<StoredCertificate, TlsError> {
        let mut all: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
        all.extend(
            names
                .iter()
                .filter(|name| !all.contains(name))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let fits = |stored: &ServedCertificate| {
            let dns = all
                .iter()
                .filter(|name| name.parse::<std::net::IpAddr>().is_err());
            dns.map(|name| name.to_ascii_lowercase())
                .all(|name| stored.covers(&name))
        };
        self.keep("server", now, fits, |validity| {
            self.authority.issue_server(&all, validity)
        })
    }

    /// Returns the certificate of one process of the cluster, made anew when there is none or it will
    /// expire within 60 days.
    pub fn role_certificate(
        &self,
        identity: &PeerIdentity,
        now: SystemTime,
    ) -> Result<StoredCertificate, TlsError> {
        let name = format!("{}-{}", identity.role, identity.node);
        let fits = |stored: &ServedCertificate| {
            stored
                .leaf()
                .is_some_and(|der| PeerIdentity::from_certificate(der).as_ref() == Ok(identity))
        };
        self.keep(&name, now, fits, |validity| {
            self.authority.issue_role(identity, validity)
        })
    }

    fn keep(
        &self,
        name: &str,
        now: SystemTime,
        fits: impl Fn(&ServedCertificate) -> bool,
        issue: impl Fn(Validity) -> Result<CertificatePem, TlsError>,
    ) -> Result<StoredCertificate, TlsError> {
        let files = paths(&self.directory, name);
        if self.is_usable(&files, now, fits) {
            return Ok(StoredCertificate {
                files,
                renewed: false,
            });
        }
        write_pem(
            &files,
            &issue(Validity {
                issued: now,
                lasts: CERTIFICATE_LASTS,
            })?,
        )?;
        Ok(StoredCertificate { files, renewed: true })
    }

    /// A file that is missing, half written or of another authority is simply made again.
    fn is_usable(
        &self,
        files: &CertificateFiles,
        now: SystemTime,
        fits: impl Fn(&ServedCertificate) -> bool,
    ) -> bool {
        let Ok(pem) = read_pem(files) else { return false };
        let Ok(stored) = ServedCertificate::from_pem(pem.chain.as_bytes(), pem.key.as_bytes()) else {
            return false;
        };
        let authority_expires = expiry(self.authority.certificate_pem().as_bytes());
        let valid_until = authority_expires.map_or(stored.expires, |authority| authority.min(stored.expires));
        valid_until > now + RENEWED_BEFORE_EXPIRY && fits(&stored)
    }
}

fn paths(directory: &Path, name: &str) -> CertificateFiles {
    CertificateFiles {
        chain: directory.join(format!("{name}.pem")),
        key: directory.join(format!("{name}.key")),
    }
}

/// Creates the directory where it is missing. Its name is durable on return, since what it holds is
/// worth nothing without.
fn create_directory(directory: &Path) -> Result<(), TlsError> {
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    let created = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    let durable = created.and_then(|()| {
        let mut parents = missing.iter().filter_map(|path| path.parent());
        parents.try_for_each(files::sync_directory)
    });
    durable.map_err(|source| TlsError::WriteFile {
        path: directory.to_owned(),
        source,
    })
}

/// Says whether anything was certified here, by an authority whose certificate may be gone.
fn has_certificates(directory: &Path) -> Result<bool, TlsError> {
    let certified = || -> std::io::Result<bool> {
        for entry in fs::read_dir(directory)? {
            if entry?
                .path()
                .extension()
                .is_some_and(|extension| extension == "pem")
            {
                return Ok(true);
            }
        }
        Ok(false)
    };
    certified().map_err(|source| TlsError::ReadFile {
        path: directory.to_owned(),
        source,
    })
}

fn read_pem(files: &CertificateFiles) -> Result<CertificatePem, TlsError> {
    let chain = String::from_utf8_lossy(&files::read(&files.chain)?).into_owned();
    let key = Zeroizing::new(String::from_utf8_lossy(&files::read(&files.key)?).into_owned());
    Ok(CertificatePem { chain, key })
}

/// The key goes first: a certificate on disk then always has its key beside it, except for the
/// instant in which both are replaced, which a reload survives by trying again.
fn write_pem(files: &CertificateFiles, pem: &CertificatePem) -> Result<(), TlsError> {
    files::replace(&files.key, pem.key.as_bytes(), Visibility::Owner)?;
    files::replace(&files.chain, pem.chain.as_bytes(), Visibility::World)
}
