//! What a person meets: files, variables and arguments that are right or wrong.

use std::time::Duration;

use settings::{ByteSize, Override, ProblemKind, Role, Settings, Sources, sample};

fn file(text: &str) -> Sources {
    Sources {
        file: Some(("facteur.toml".into(), text.to_owned())),
        ..Sources::default()
    }
}

fn environment(variables: &[(&str, &str)]) -> Sources {
    let owned = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sources {
        environment: owned.collect(),
        ..Sources::default()
    }
}

/// Asserts which problems a file has, as they are shown.
fn check(text: &str, expected: &[&str]) {
    let problems = Settings::from_sources(&file(text)).err().unwrap_or_default();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(shown, expected);
}

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = Settings::from_sources(&Sources::default()).expect("the defaults are valid");
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.server.roles, [Role::Proxy, Role::Storage, Role::Lmtp]);
    assert_eq!(settings.limits.append_bytes_max, ByteSize::new(150 << 20));
    assert_eq!(settings.imap.idle_keepalive, Duration::from_secs(120));
    assert!(settings.listen.imap.iter().any(std::net::SocketAddr::is_ipv6));
    assert!(settings.listen.imap.iter().any(std::net::SocketAddr::is_ipv4));
}

#[test]
fn the_sample_file_changes_nothing_and_holds_even_when_uncommented() {
    let settings = Settings::from_sources(&file(&sample())).expect("the sample is valid");
    assert_eq!(settings.storage, Settings::default().storage);
    let uncommented: Vec<&str> = sample()
        .leak()
        .lines()
        .map(|line| {
            line.strip_prefix('#')
                .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
                .unwrap_or(line)
        })
        .collect();
    let settings = Settings::from_sources(&file(&uncommented.join("\n"))).expect("every default is valid");
    let defaults = Settings::default();
    for (set, default) in settings.effective().iter().zip(defaults.effective()) {
        assert_eq!((set.key, &set.value), (default.key, &default.value));
        assert!(set.origin.to_string().starts_with("facteur.toml:"), "{set}");
    }
}

#[test]
fn each_source_goes_before_the_one_beneath() {
    let mut sources = file("[server]\ndata_dir = \"a\"\nhost_name = \"one\"\n[log]\nlevel = \"warn\"\n");
    sources.environment =
        environment(&[("FACTEUR_SERVER__DATA_DIR", "b"), ("FACTEUR_LOG__LEVEL", "debug")]).environment;
    sources.overrides = vec![Override::new("server.data_dir", "c", "--data-dir")];
    let settings = Settings::from_sources(&sources).expect("valid");
    assert_eq!(settings.server.data_dir.to_str(), Some("c"));
    let shown: Vec<String> = settings.effective().iter().map(ToString::to_string).collect();
    for line in [
        "server.data_dir = \"c\"  # argument --data-dir",
        "server.host_name = \"one\"  # facteur.toml:3:1",
        "log.level = \"debug\"  # environment variable FACTEUR_LOG__LEVEL",
        "log.format = \"text\"  # default",
    ] {
        assert!(
            shown.iter().any(|shown| shown == line),
            "{line} is not in {shown:#?}"
        );
    }
}

#[test]
fn the_environment_sets_any_type() {
    let settings = Settings::from_sources(&environment(&[
        ("FACTEUR_DATA_DIR", "d"),
        ("FACTEUR_LISTEN__IMAP", "[::1]:1143, 127.0.0.1:1143"),
        ("FACTEUR_AUTH__LOGIN_CACHE", "false"),
        ("FACTEUR_TELEMETRY__TRACE_RATIO", "0.5"),
        ("FACTEUR_CLUSTER__NODES", "1=a:1,2=b:2"),
        ("FACTEUR_LISTEN__RPC", "127.0.0.1:0"),
        ("FACTEUR_TOOLS", "belongs to somebody else"),
        ("PATH", "x"),
    ]))
    .expect("valid");
    assert_eq!(settings.server.data_dir.to_str(), Some("d"));
    assert_eq!(settings.listen.imap.len(), 2);
    assert!(!settings.auth.login_cache);
    assert_eq!(settings.cluster.nodes[1].address, "b:2");
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    check(
        "[limits]\nappend_byte_max = \"1MiB\"\nline_bytes_max = 3\n\n[imap]\n  idle_keepalive = \"1h\"\n[lmpt]\nsize = 1\n",
        &[
            "facteur.toml:2:1: unknown setting `limits.append_byte_max`; did you mean `limits.append_bytes_max`?",
            "facteur.toml:8:1: unknown setting `lmpt.size`; did you mean `lmtp`?",
            "facteur.toml:3:1: `limits.line_bytes_max`: `3` is no size; write a whole number and B, KiB, MiB, GiB or TiB",
            "facteur.toml:6:3: `imap.idle_keepalive`: \"1h\" is outside 1s to 2m",
        ],
    );
}

#[test]
fn unknown_names_are_refused_wherever_they_stand() {
    check(
        "[sever]\n",
        &["facteur.toml:1:2: unknown setting `sever`; did you mean `server`?"],
    );
    check("level = \"info\"", &["facteur.toml:1:1: unknown setting `level`"]);
    check(
        "[imap]\nappend_bytes_max = \"1MiB\"",
        &[
            "facteur.toml:2:1: unknown setting `imap.append_bytes_max`; did you mean `limits.append_bytes_max`?",
        ],
    );
    let problems =
        Settings::from_sources(&environment(&[("FACTEUR_LOG__LEVELS", "info")])).expect_err("unknown");
    assert_eq!(
        problems[0].to_string(),
        "environment variable FACTEUR_LOG__LEVELS: unknown setting `log.levels`; did you mean `log.level`?"
    );
}

#[test]
fn a_wrong_value_is_found_even_beneath_a_right_one() {
    let mut sources = file("[log]\nlevel = \"loud\"\n");
    sources.overrides = vec![Override::new("log.level", "debug", "--log-level")];
    let problems = Settings::from_sources(&sources).expect_err("the file is wrong");
    assert!(
        problems[0]
            .to_string()
            .contains("`loud` is not one of \"error\", \"warn\""),
        "{problems:?}"
    );
}

#[test]
fn broken_toml_is_reported_with_its_place_alone() {
    let problems = Settings::from_sources(&file("[server]\ndata_dir = \n[what]\n")).expect_err("broken");
    assert!(
        problems
            .iter()
            .all(|problem| problem.to_string().starts_with("facteur.toml:2:")),
        "{problems:?}"
    );
    assert!(
        problems
            .iter()
            .all(|problem| problem.kind() == ProblemKind::Input && !problem.is_retryable())
    );
}

#[test]
fn values_must_go_together() {
    for (text, message) in [
        (
            "[limits]\npreauth_literal_bytes_max = \"32KiB\"",
            "limits.preauth_literal_bytes_max exceeds",
        ),
        ("[tls]\ncert_file = \"a.pem\"", "tls.cert_file and tls.key_file"),
        ("[server]\nroles = []", "server.roles is empty"),
        (
            "[server]\nroles = [\"proxy\", \"proxy\", \"storage\"]",
            "names a role twice",
        ),
        (
            "[listen]\nimap = []\nimaps = []",
            "the role proxy needs an address",
        ),
        ("[listen]\nlmtp = []", "the role lmtp needs an address"),
        ("[cluster]\nnodes = [\"2=a:1\"]", "cluster.node_id is not among"),
        (
            "[cluster]\nnodes = [\"1=a:1\", \"2=a:1\"]",
            "an address in listen.rpc",
        ),
        ("[server]\nroles = [\"proxy\"]", "must say where mail is"),
        (
            "[auth]\nargon2_memory = \"64KiB\"\nargon2_parallelism = 64",
            "RFC 9106",
        ),
    ] {
        let problems = Settings::from_sources(&file(text)).expect_err(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].to_string().contains(message), "{text}: {problems:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_a_problem_of_the_environment() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("none.toml");
    let problems = Settings::load(Some(&missing), Vec::new()).expect_err("missing");
    assert!(
        problems
            .iter()
            .any(|problem| problem.kind() == ProblemKind::Environment),
        "{problems:?}"
    );
}

#[test]
fn a_file_is_loaded_from_disk() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("facteur.toml");
    std::fs::write(&path, "[limits]\npreauth_bad_commands_max = 3\n").expect("writable");
    let settings = Settings::load(Some(&path), Vec::new()).expect("valid");
    assert_eq!(settings.limits.preauth_bad_commands_max, 3);
}
