//! The one crypto provider of the process.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// Installs aws-lc-rs as the crypto provider of the process. Must be the first call of `main`; calling
/// it again does nothing.
///
/// Libraries that pick "the default provider" (the gRPC stack among them) then agree with us, and a
/// second provider linked in by a dependency cannot be chosen by accident.
pub fn init() {
    // An error means that a provider is installed already, which is what a second call wants.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Returns the provider that every configuration of this crate names explicitly, so that no
/// behaviour depends on whether `init` ran.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    init();
    CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}
