//! Content from whichever replica gives it first.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use mailstore::StoreError;
use mailstore::ids::{AccountId, MailboxId, SessionId, Uid};
use mailstore::ports::{Caller, Mail};
use mailstore::query::{ContentChunk, ContentRange, ContentTicket};

use super::fake::FakeNode;
use super::router;

const OCTETS: &[u8] = b"abcdef";

/// The content in chunks of so many octets, as an answer to one range has it.
fn chunks(size: usize) -> Vec<ContentChunk> {
    let pieces = OCTETS.chunks(size).enumerate();
    let count = OCTETS.len().div_ceil(size);
    let chunk = |(index, piece): (usize, &[u8])| ContentChunk {
        range: 0,
        bytes: Bytes::copy_from_slice(piece),
        last: index + 1 == count,
        missing: false,
    };
    pieces.map(chunk).collect()
}

fn node(delay: u64, content: Option<Vec<ContentChunk>>) -> Arc<FakeNode> {
    let node = FakeNode::following(Vec::new());
    *node.content.lock() = (Duration::from_millis(delay), content);
    Arc::new(node)
}

/// Reads by a ticket, the first node being the nearest, and returns how long it took.
async fn read(nodes: &[&Arc<FakeNode>]) -> (Result<Vec<u8>, StoreError>, Duration) {
    let near = (0..nodes.len()).map(|number| format!("node-{number}"));
    let router = router(nodes).with_near(near.collect());
    let caller = Caller {
        account: AccountId([1; 16]),
        session: SessionId([1; 16]),
        token: Bytes::new(),
        presenter: "proxy-1".into(),
    };
    let ticket = ContentTicket {
        signed: Bytes::new(),
        messages: Vec::new(),
    };
    let range = ContentRange {
        uid: Uid::MIN,
        offset: 10,
        length: 6,
    };
    let begun = tokio::time::Instant::now();
    let read = async {
        let chunks = router.content_by_ticket(&caller, MailboxId(1), ticket, vec![range]);
        let chunks: Vec<_> = chunks.await?.try_collect().await?;
        Ok(chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect())
    };
    (read.await, begun.elapsed())
}

fn asked(nodes: &[&Arc<FakeNode>]) -> Vec<usize> {
    nodes.iter().map(|node| node.asked.lock().0).collect()
}

#[tokio::test(start_paused = true)]
async fn the_nearest_replica_is_asked_and_no_other_while_it_is_quick() {
    let nodes = [&node(40, Some(chunks(2))), &node(0, Some(chunks(2)))];
    let (read, took) = read(&nodes).await;
    assert_eq!(read.as_deref(), Ok(OCTETS));
    assert_eq!((took, asked(&nodes)), (Duration::from_millis(40), vec![1, 0]));
}

#[tokio::test(start_paused = true)]
async fn another_is_asked_when_the_nearest_is_slow_and_the_first_answer_counts() {
    let nodes = [
        &node(60_000, Some(chunks(2))),
        &node(10, Some(chunks(3))),
        &node(0, Some(chunks(2))),
    ];
    let (read, took) = read(&nodes).await;
    assert_eq!(read.as_deref(), Ok(OCTETS));
    assert_eq!((took, asked(&nodes)), (Duration::from_millis(60), vec![1, 1, 0]));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_lacks_it_or_is_down_costs_no_wait() {
    let nodes = [
        &node(0, None),
        &Arc::new(FakeNode::down()),
        &node(5, Some(chunks(6))),
    ];
    let (read, took) = read(&nodes).await;
    assert_eq!(read.as_deref(), Ok(OCTETS));
    assert_eq!(took, Duration::from_millis(5));
}

#[tokio::test(start_paused = true)]
async fn the_next_replica_goes_on_at_the_octet_where_the_last_one_broke_off() {
    let mut broken = chunks(2);
    broken.truncate(2);
    let rest = chunks(6).into_iter().map(|chunk| ContentChunk {
        bytes: chunk.bytes.slice(4..),
        ..chunk
    });
    let nodes = [&node(0, Some(broken)), &node(0, Some(rest.collect()))];
    let (read, _) = read(&nodes).await;
    assert_eq!(read.as_deref(), Ok(OCTETS));
    let rest = ContentRange {
        uid: Uid::MIN,
        offset: 14,
        length: 2,
    };
    assert_eq!(*nodes[1].asked.lock(), (1, vec![rest]));
}

/// The leader has the last word, and its patience.
#[tokio::test(start_paused = true)]
async fn the_leader_is_asked_when_no_replica_gives_it() {
    let nodes = [&node(0, None), &node(0, None)];
    let (read, took) = read(&nodes).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(
        took >= Duration::from_secs(29) && took <= Duration::from_secs(31),
        "{took:?}"
    );
}
