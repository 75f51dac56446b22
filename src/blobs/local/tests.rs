use super::*;
use crate::blobs::conformance;
use futures_util::TryStreamExt;
use std::os::unix::fs::MetadataExt;

async fn store() -> (tempfile::TempDir, LocalBlobs) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalBlobs::open(folder.path()).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn conforms() {
    let (_folder, store) = store().await;
    conformance::all(Arc::new(store), &conformance::AlreadyDurable).await;
}

#[tokio::test]
async fn many_small_pieces_and_many_large_ones_are_written_in_order() {
    let (_folder, store) = store().await;
    let place = Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 7 };
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut stage = store.stage(place, bytes.len() as u64).await.unwrap();
    // More parts than one system call takes, then parts larger than what is written together.
    let (small, large) = bytes.split_at(5000);
    let small: Vec<Bytes> = small.chunks(2).map(Bytes::copy_from_slice).collect();
    stage.write(&small, Digest::default()).await.unwrap();
    for part in large.chunks(1_300_000) {
        stage.write(&[Bytes::copy_from_slice(part)], Digest::default()).await.unwrap();
    }
    stage.finish().await.unwrap();
    assert_eq!(conformance::contents(&store, place, bytes.len() as u64).await.unwrap(), bytes);
}

#[tokio::test]
async fn of_a_large_chunk_three_pieces_are_in_memory_at_most() {
    let (_folder, store) = store().await;
    assert_eq!((store.holds(1000), store.holds(4 << 20)), (1000, 768 << 10));
}

#[tokio::test]
async fn a_file_is_never_truncated() {
    let (_folder, store) = store().await;
    let place = Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 0 };
    for bytes in [&b"abcdef"[..], b"abc"] {
        let mut stage = store.stage(place, bytes.len() as u64).await.unwrap();
        stage.write(&[Bytes::from_static(bytes)], Digest::default()).await.unwrap();
        stage.finish().await.unwrap();
    }
    assert_eq!(fs::metadata(store.file_of(place.blob, place.epoch)).unwrap().size(), 6);
}

/// Where its folder should be is a socket meanwhile, which cannot be opened; only who makes a name durable wants to.
#[tokio::test]
async fn the_name_of_a_file_is_made_durable_with_the_first_chunk_of_each_process() {
    let (folder, store) = store().await;
    let another = LocalBlobs::open(folder.path()).await.unwrap();
    let place = Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 0 };
    let (home, away) = (store.folder_of(place.blob), folder.path().join("away"));
    let write = async |store: &LocalBlobs, can_be_opened: bool| {
        let mut stage = store.stage(place, PIECE as u64).await.unwrap();
        stage.write(&[Bytes::from(vec![0; PIECE])], Digest::default()).await.unwrap();
        if can_be_opened {
            return stage.finish().await.is_ok();
        }
        fs::rename(&home, &away).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(&home).unwrap();
        let finished = stage.finish().await;
        fs::remove_file(&home).unwrap();
        fs::rename(&away, &home).unwrap();
        finished.is_ok()
    };
    assert!(!write(&store, false).await, "it was not durable");
    assert!(write(&store, true).await);
    assert!(write(&store, false).await, "it is durable");
    fs::remove_file(store.file_of(place.blob, place.epoch)).unwrap();
    assert!(!write(&store, false).await, "that was another file");
    assert!(write(&store, true).await);
    assert!(!write(&another, false).await, "for all that this one knows it is not");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let refused = LocalBlobs::open(&file.join("store")).await.unwrap_err();
    assert!(refused.to_string().contains("a-file/store"), "{refused}");
}

/// Copying a store may leave empty folders behind.
#[tokio::test]
async fn a_folder_that_a_store_has_lost_is_made_again() {
    let (folder, store) = store().await;
    store.adopt(CatalogId(Uuid::now_v7())).await.unwrap();
    let blob = BlobId(Uuid::now_v7());
    fs::remove_dir(store.folder_of(blob)).unwrap();
    let store = LocalBlobs::open(folder.path()).await.unwrap();
    let place = Place { blob, epoch: Epoch(1), start: 0 };
    let mut stage = store.stage(place, 3).await.unwrap();
    stage.write(&[Bytes::from_static(b"abc")], Digest::default()).await.unwrap();
    stage.finish().await.unwrap();
    assert_eq!(conformance::contents(&store, place, 3).await.unwrap(), b"abc");
}

#[tokio::test]
async fn deleting_leaves_the_neighbours_of_a_blob() {
    let (_folder, store) = store().await;
    let (blob, neighbour) = (Uuid::from_u128(0x1_00ff), Uuid::from_u128(0x2_00ff));
    for blob in [blob, neighbour] {
        let mut stage =
            store.stage(Place { blob: BlobId(blob), epoch: Epoch(1), start: 0 }, 1).await.unwrap();
        stage.write(&[Bytes::from_static(b"x")], Digest::default()).await.unwrap();
        stage.finish().await.unwrap();
    }
    store.delete(BlobId(blob)).await.unwrap();
    let left: Vec<_> = fs::read_dir(store.folder_of(BlobId(blob))).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[tokio::test]
async fn what_others_put_into_the_folder_is_not_in_the_inventory() {
    let (_folder, store) = store().await;
    let (blob, epoch) = (BlobId(Uuid::now_v7()), Epoch(3));
    fs::write(store.file_of(blob, epoch), "x").unwrap();
    let upper = format!("{}.3", blob.0.hyphenated().to_string().to_uppercase());
    for name in
        [".hidden", "notes.txt", "1.1", &format!("{}.03", blob.0), &format!("{}.3.bak", blob.0), &upper]
    {
        fs::write(store.folder_of(blob).join(name), "x").unwrap();
    }
    let inventory: Vec<Vec<BlobEpoch>> = store.inventory().try_collect().await.unwrap();
    assert_eq!(inventory.concat(), [BlobEpoch { blob, epoch }]);
}

#[test]
fn a_full_disk_is_told_apart() {
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        assert!(matches!(BlobError::from(io::Error::from(kind)), BlobError::Full(_)));
    }
}

/// Whether the reader keeps what it was given or not.
#[tokio::test]
async fn what_is_read_is_the_same_from_memory_and_from_the_disk() {
    let (_folder, store) = store().await;
    let place = Place { blob: BlobId(Uuid::now_v7()), epoch: Epoch(1), start: 0 };
    let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut stage = store.stage(place, bytes.len() as u64).await.unwrap();
    stage.write(&[Bytes::copy_from_slice(&bytes)], Digest::default()).await.unwrap();
    stage.finish().await.unwrap();
    let file = File::open(store.file_of(place.blob, place.epoch)).unwrap();
    // How much of it the kernel is told to forget: nothing, something in the middle, all.
    for (from, forgotten) in [(0, 1), (300_000, 200_000), (0, bytes.len() as u64)] {
        let forgotten = std::num::NonZeroU64::new(forgotten);
        for keeps in [false, true] {
            rustix::fs::fadvise(&file, from, forgotten, rustix::fs::Advice::DontNeed).unwrap();
            let (mut kept, mut at) = (Vec::new(), 0);
            let mut pieces = store.read(place, bytes.len() as u64).await.unwrap();
            while let Some(piece) = pieces.try_next().await.unwrap() {
                assert!(bytes[at..].starts_with(&piece));
                at += piece.len();
                kept.extend(keeps.then_some(piece));
            }
            assert_eq!(at, bytes.len());
            assert!(!keeps || kept.concat() == bytes);
        }
    }
}
