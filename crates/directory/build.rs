//! Compiles the protobuf file of the directory, without protoc.

use std::error::Error;

const INCLUDE: &str = "../../proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={INCLUDE}/facteur/directory");
    let descriptors = protox::compile(["facteur/directory/v1/directory.proto"], [INCLUDE])?;
    prost_build::Config::new().bytes(["."]).compile_fds(descriptors)?;
    Ok(())
}
