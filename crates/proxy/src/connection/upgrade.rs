//! Putting TLS or compression around the stream of a connection.

use std::sync::Arc;

use bytes::Bytes;
use imap_wire::frame::Framer;
use mailstore::ports::ChannelBinding;
use tls::{ChannelBindings, MailServer};

use super::deflate::DeflateStream;
use super::stream::ByteStream;
use super::transport::Transport;
use super::{Connection, limits};
use crate::answer::Over;
use crate::options::ProxyOptions;
use crate::session::Session;

/// What becomes of the stream once the present command was answered.
pub(crate) enum Upgrade {
    /// STARTTLS (RFC 3501 §6.2.1).
    Tls(Arc<MailServer>),
    /// COMPRESS (RFC 4978).
    Deflate,
}

impl Connection {
    /// Changes the stream. The command's answer, the last octets under the old regime, is sent first.
    pub(crate) async fn apply(&mut self, upgrade: Upgrade) -> Result<(), Over> {
        self.client.transport.flush().await.map_err(Over::Lost)?;
        match upgrade {
            Upgrade::Tls(server) => self.start_tls(&server).await,
            Upgrade::Deflate => {
                self.start_compression();
                Ok(())
            }
        }
    }

    /// What was known before the handshake is forgotten, and what was sent before it counts as an
    /// attack: somebody on the way may have put it there (PROTOCOL §2.4).
    async fn start_tls(&mut self, server: &MailServer) -> Result<(), Over> {
        if !self.client.transport.unread().is_empty() {
            return Err(Over::Silent);
        }
        let (stream, _) = self.take_stream();
        let options = &self.services.options;
        let stream = match server.accept(stream, options.times.handshake_max).await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(%error, "TLS handshake failed");
                return Err(Over::Silent);
            }
        };
        self.security.encrypted = true;
        self.security.starttls = None;
        self.security.binding = binding(stream.channel_binding());
        let traffic = self.services.metrics.traffic(self.security.protocol);
        let held = self.services.load.hold();
        self.client.transport = transport(Box::new(stream), options).counted(traffic, held);
        self.client.framer = Framer::new(limits(options, false), self.parse_options());
        let bad_commands = self.session.bad_commands;
        self.session = Session {
            bad_commands,
            failed_logins: self.session.failed_logins,
            ..Session::default()
        };
        Ok(())
    }

    fn start_compression(&mut self) {
        let (stream, unread) = self.take_stream();
        let options = &self.services.options;
        // What the client sent behind the command is compressed already (RFC 4978 §3).
        let mut inflated = transport(Box::new(DeflateStream::new(stream, unread)), options);
        inflated.set_output_bytes_max(output_bytes_max(options, self.session.login.is_some()));
        let traffic = self.services.metrics.traffic(self.security.protocol);
        self.client.transport = inflated.counted(traffic, self.services.load.hold());
        self.session.compressed = true;
    }

    /// Takes the stream out of its transport, to put a layer around it. Until that is done the
    /// connection leads nowhere.
    fn take_stream(&mut self) -> (Box<dyn ByteStream>, Vec<u8>) {
        let nowhere = transport(Box::new(tokio::io::duplex(1).0), &self.services.options);
        std::mem::replace(&mut self.client.transport, nowhere).into_stream()
    }
}

/// Returns a transport with the limits that hold before login.
pub(crate) fn transport(stream: Box<dyn ByteStream>, options: &ProxyOptions) -> Transport {
    Transport::new(stream, output_bytes_max(options, false), options.times.write_max)
}

/// Returns how many octets may wait to be sent. Who has not logged in is owed as much as he may say.
pub(crate) fn output_bytes_max(options: &ProxyOptions, logged_in: bool) -> usize {
    if logged_in {
        options.output_bytes_max
    } else {
        options
            .output_bytes_max
            .min(options.before_login.command_bytes_max)
    }
}

/// Returns the channel binding as the login port takes it.
pub(crate) fn binding(bindings: &ChannelBindings) -> ChannelBinding {
    ChannelBinding {
        tls_exporter: bindings.exporter.map(|bytes| Bytes::copy_from_slice(&bytes)),
        tls_server_end_point: bindings
            .server_end_point
            .as_ref()
            .map(|bytes| Bytes::copy_from_slice(bytes)),
    }
}
