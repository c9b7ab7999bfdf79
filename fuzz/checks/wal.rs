//! What must hold for any bytes in the write-ahead log.

use std::sync::Arc;

use disk::{Disk, DiskPath, SimDisk};
use wal::format::{BatchScan, decode_frame, scan_batch};
use wal::{Log, LogIndex, RepairPlan, RepairPolicy, SegmentId, Wal, WalOptions};

const SECTOR: usize = disk::SECTOR_BYTES;
const FRAME_HEADER: usize = 44;
const BATCH_HEADER: usize = 48;

/// Any bytes as a frame, as a batch, as a whole segment, and as the records of a batch whose checksums hold.
pub fn record(data: &[u8]) {
    if let Ok((frame, len)) = decode_frame(data) {
        assert_eq!(len, FRAME_HEADER + frame.id.len() + frame.payload.len());
    }
    if let BatchScan::Whole(header, frames) = scan_batch(data, SegmentId(1), 0) {
        assert_eq!(frames.len(), header.frames as usize);
    }
    recover(data);
    recover(&segment_of(data));
}

/// Opens a log whose only segment holds these bytes: it opens and can be read, or it is reported as damaged
/// and can be repaired.
fn recover(segment: &[u8]) {
    let disk = SimDisk::new(1);
    let dir = DiskPath::new("wal").expect("a plain name");
    let options = WalOptions {
        reserve_bytes: 0,
        grow_bytes: 4096,
        ..WalOptions::default()
    };
    disk.create_dir_all(&dir).expect("no faults are injected");
    let path = dir.join("0000000000000001.wal").expect("a plain name");
    let file = disk.create_new(&path).expect("no faults are injected");
    file.write_all_at(segment, 0).expect("no faults are injected");
    let survey = RepairPlan::survey(Arc::new(disk.clone()), dir.clone(), options.clone());
    match survey {
        Ok(Some(plan)) => {
            assert!(!plan.report().damages.is_empty());
            plan.apply(RepairPolicy::KeepPrefix)
                .expect("what is left can be written");
        }
        Ok(None) => (),
        Err(_) => return,
    }
    let log = Log::inline(Wal::open(Arc::new(disk), dir, options).expect("a sound log opens"));
    for group in log.groups() {
        let group = log.group(group);
        let state = group.state().expect("a sound log can be read");
        let first = state.purged.map_or(0, |purged| purged.index.0 + 1);
        let _ = group.read(LogIndex(first)..LogIndex(u64::MAX), 1 << 20);
    }
}

/// Makes the bytes the frames of one batch, as if a log had written them: with every checksum right.
fn segment_of(data: &[u8]) -> Vec<u8> {
    let disk = SimDisk::new(1);
    let dir = DiskPath::new("wal").expect("a plain name");
    let options = WalOptions {
        grow_bytes: 0,
        ..WalOptions::default()
    };
    drop(Wal::open(Arc::new(disk.clone()), dir.clone(), options).expect("an empty log opens"));
    let file = disk
        .open(&dir.join("0000000000000001.wal").expect("a plain name"))
        .expect("it was created");
    let mut segment = vec![0; 2 * SECTOR];
    file.read_exact_at(&mut segment, 0)
        .expect("a header and a checkpoint");
    let (body, frames) = seal_frames(data);
    let mut fields = Vec::new();
    for number in [1, segment.len() as u64, 2] {
        fields.extend_from_slice(&u64::to_le_bytes(number));
    }
    fields.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_le_bytes());
    fields.extend_from_slice(&frames.to_le_bytes());
    fields.extend_from_slice(&[0; 8]);
    segment.extend_from_slice(b"FWB1");
    segment.extend_from_slice(&crc32c::crc32c(&fields).to_le_bytes());
    segment.extend_from_slice(&fields);
    assert_eq!(segment.len(), 2 * SECTOR + BATCH_HEADER);
    segment.extend_from_slice(&body);
    segment
}

/// Cuts the bytes into frames by their own lengths and corrects the checksums.
fn seal_frames(data: &[u8]) -> (Vec<u8>, u32) {
    let (mut body, mut frames, mut rest) = (Vec::new(), 0, data);
    while rest.len() >= FRAME_HEADER {
        let mut frame = rest[..FRAME_HEADER].to_vec();
        // Short lengths make frames that fit.
        frame[5..8].fill(0);
        frame[9] = 0;
        frame[10] = 1 + frame[10] % 8;
        let wanted = usize::from(frame[4]) + usize::from(frame[8]);
        let Some(content) = rest[FRAME_HEADER..].get(..wanted) else {
            break;
        };
        frame.extend_from_slice(content);
        let crc = crc32c::crc32c(&frame[4..]).to_le_bytes();
        frame[..4].copy_from_slice(&crc);
        rest = &rest[frame.len()..];
        body.extend_from_slice(&frame);
        frames += 1;
    }
    (body, frames)
}
