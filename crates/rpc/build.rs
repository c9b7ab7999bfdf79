//! Compiles the services under `proto/facteur`, without protoc.

use std::error::Error;

const INCLUDE: &str = "../../proto";
const FILES: [&str; 12] = [
    "facteur/admin/v1/admin.proto",
    "facteur/node/v1/admin.proto",
    "facteur/node/v1/cluster.proto",
    "facteur/node/v1/common.proto",
    "facteur/node/v1/control.proto",
    "facteur/node/v1/delivery.proto",
    "facteur/node/v1/directory.proto",
    "facteur/node/v1/login.proto",
    "facteur/node/v1/mail.proto",
    "facteur/node/v1/slots.proto",
    "facteur/raft/v1/content.proto",
    "facteur/raft/v1/raft.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={INCLUDE}/facteur");
    let descriptors = protox::compile(FILES, [INCLUDE])?;
    tonic_prost_build::configure()
        .bytes(".")
        // A password must not be one `{:?}` away from a log.
        .skip_debug([".facteur.admin.v1.Secret"])
        .compile_fds(descriptors)?;
    Ok(())
}
