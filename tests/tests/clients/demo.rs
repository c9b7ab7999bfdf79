//! The demo server of the README.
