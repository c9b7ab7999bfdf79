//! Compiles the protobuf files under `proto/facteur/mailstore`, without protoc.

use std::error::Error;

const INCLUDE: &str = "../../proto";
const FILES: [&str; 6] = [
    "facteur/mailstore/v1/common.proto",
    "facteur/mailstore/v1/entry.proto",
    "facteur/mailstore/v1/query.proto",
    "facteur/mailstore/v1/reply.proto",
    "facteur/mailstore/v1/rows.proto",
    "facteur/mailstore/v1/session.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={INCLUDE}/facteur/mailstore");
    let descriptors = protox::compile(FILES, [INCLUDE])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
