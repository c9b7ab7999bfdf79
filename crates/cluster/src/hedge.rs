//! Content from whichever replica gives it first.
//!
//! What a ticket is for never changes, so it does not matter who reads it. The nearest replica is asked; when it has
//! not answered for a while another is asked as well, and the first answer counts. Where no replica gives it on the
//! ticket, the leader is asked, who fetches what it lacks, and as patiently as always.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, try_unfold};
use futures::{FutureExt, StreamExt};
use mailstore::StoreError;
use mailstore::ids::MailboxId;
use mailstore::ports::{BoxStream, Caller};
use mailstore::query::{ContentChunk, ContentRange, ContentTicket};

use crate::resume::{RemainingRanges, resumed_content};
use crate::router::Router;

/// How long a replica is waited for before another is asked too: what a read takes that does not come from a busy disk.
const HEDGE_AFTER: Duration = Duration::from_millis(50);

type Chunks = BoxStream<Result<ContentChunk, StoreError>>;

/// Opens a stream of content that comes from any replica.
pub(crate) fn hedged_content(
    router: Router,
    caller: Caller,
    (mailbox, ticket): (MailboxId, ContentTicket),
    ranges: Vec<ContentRange>,
) -> Chunks {
    let reader = Reader {
        untried: router.nearest_last(router.group_of(caller.account)),
        router,
        caller,
        mailbox,
        ticket: Arc::new(ticket),
        remaining: RemainingRanges { first: 0, ranges },
        source: None,
        leader: false,
    };
    let chunks = try_unfold(reader, |mut reader| async move {
        let chunk = reader.next().await?;
        Ok(chunk.map(|chunk| (chunk, reader)))
    });
    chunks.boxed()
}

struct Reader {
    router: Router,
    caller: Caller,
    mailbox: MailboxId,
    ticket: Arc<ContentTicket>,
    remaining: RemainingRanges,
    /// Replicas that were not asked yet, the nearest last.
    untried: Vec<String>,
    source: Option<Source>,
    /// No replica gave it: the source is the leader, and has the last word.
    leader: bool,
}

/// A stream of one replica, which counts ranges from `base`.
struct Source {
    stream: Chunks,
    base: u32,
}

/// What a replica gave next, and where more comes from.
type Given = Result<(ContentChunk, Source), StoreError>;

impl Reader {
    async fn next(&mut self) -> Result<Option<ContentChunk>, StoreError> {
        if self.remaining.ranges.is_empty() {
            return Ok(None);
        }
        let given = match self.leader {
            true => None,
            false => self.race().await,
        };
        let (chunk, source) = match given {
            Some(given) => given,
            None => self.ask_leader().await?,
        };
        self.remaining.advance(&chunk);
        self.source = Some(source);
        Ok(Some(chunk))
    }

    /// Returns the next chunk of whichever replica gives it first; nothing when none does.
    async fn race(&mut self) -> Option<(ContentChunk, Source)> {
        let mut running: FuturesUnordered<BoxFuture<'static, Given>> = FuturesUnordered::new();
        match self.source.take() {
            Some(source) => running.push(give(source).boxed()),
            None => running.push(self.ask_another()?),
        }
        loop {
            match tokio::time::timeout(HEDGE_AFTER, running.next()).await {
                Ok(Some(Ok(given))) => return Some(given),
                Ok(Some(Err(error))) => {
                    tracing::debug!(%error, "a replica does not give content");
                    if running.is_empty() {
                        running.push(self.ask_another()?);
                    }
                }
                Ok(None) => running.push(self.ask_another()?),
                Err(_) => running.extend(self.ask_another()),
            }
        }
    }

    /// Asks the next replica for all that remains.
    fn ask_another(&mut self) -> Option<BoxFuture<'static, Given>> {
        let node = loop {
            let name = self.untried.pop()?;
            if let Some(node) = self.router.node(&name) {
                break node;
            }
        };
        let (caller, ticket) = (self.caller.clone(), ContentTicket::clone(&self.ticket));
        let (mailbox, base) = (self.mailbox, self.remaining.first);
        let ranges = self.remaining.ranges.clone();
        let asking = async move {
            let stream = node.content_by_ticket(&caller, mailbox, ticket, ranges).await?;
            give(Source { stream, base }).await
        };
        Some(asking.boxed())
    }

    async fn ask_leader(&mut self) -> Given {
        let mut source = match self.source.take() {
            Some(source) => source,
            None => {
                let (router, caller) = (self.router.clone(), self.caller.clone());
                let (first, ranges) = (self.remaining.first, self.remaining.ranges.clone());
                let remaining = RemainingRanges { first, ranges };
                self.leader = true;
                Source {
                    stream: resumed_content(router, caller, self.mailbox, remaining).await?,
                    base: 0,
                }
            }
        };
        match source.stream.next().await {
            Some(Ok(chunk)) => Ok((chunk, source)),
            Some(Err(error)) => Err(error),
            None => Err(StoreError::Unavailable("content broke off")),
        }
    }
}

async fn give(mut source: Source) -> Given {
    match source.stream.next().await {
        Some(Ok(mut chunk)) => {
            chunk.range += source.base;
            Ok((chunk, source))
        }
        Some(Err(error)) => Err(error),
        None => Err(StoreError::Unavailable("content broke off")),
    }
}
