use super::{TTL, append, bytes, create, create_whole, doomed, last_bytes, new_upload};
use crate::catalog::{Catalog, CatalogError};
use crate::db::Staged;
use crate::domain::BlobId;

pub(super) async fn all(catalog: &dyn Catalog) {
    a_removed_upload_is_gone(catalog).await;
    an_incomplete_upload_is_removed_with_its_blob(catalog).await;
    bytes_are_doomed_until_they_are_forgotten(catalog).await;
    what_is_referred_to_is_not_forgotten(catalog).await;
}

pub(super) async fn a_removed_upload_is_gone(catalog: &dyn Catalog) {
    let new = new_upload(None);
    let id = create_whole(catalog, &new, 5).await.id;
    assert_eq!(catalog.terminate(id).await.unwrap(), [BlobId(id.as_uuid())]);
    assert!(matches!(catalog.find(id).await, Err(CatalogError::Gone)));
    assert!(matches!(catalog.claim(id, 5, None).await, Err(CatalogError::Gone)));
    assert!(matches!(catalog.terminate(id).await, Err(CatalogError::Gone)));
    assert!(matches!(append(catalog, id, &bytes(5, 1)).await, Err(CatalogError::Gone)));
    let again = catalog.create(&new, Some(&last_bytes(0, 5)), Staged::Durable, TTL).await;
    assert!(matches!(again, Err(CatalogError::Gone)), "{again:?}");
    assert!(catalog.extents(id, 0..5).await.unwrap().is_empty());
    assert!(matches!(catalog.find_with_extents(id, 0..5).await, Err(CatalogError::Gone)));
    assert!(catalog.segments(id).await.unwrap().is_empty());
}

/// Also one that has no byte that counts: a fenced writer may have left some.
async fn an_incomplete_upload_is_removed_with_its_blob(catalog: &dyn Catalog) {
    let id = create(catalog, &new_upload(Some(10))).await.id;
    assert_eq!(catalog.terminate(id).await.unwrap(), [BlobId(id.as_uuid())]);
    assert!(matches!(catalog.find(id).await, Err(CatalogError::Gone)));
}

async fn bytes_are_doomed_until_they_are_forgotten(catalog: &dyn Catalog) {
    catalog.forget(&doomed(catalog).await).await.unwrap();
    let mut removed = Vec::new();
    for _ in 0..3 {
        let id = create_whole(catalog, &new_upload(None), 5).await.id;
        removed.extend(catalog.terminate(id).await.unwrap());
    }
    assert_eq!(doomed(catalog).await, removed);
    let first = catalog.doomed(None, 2).await.unwrap();
    assert_eq!(first, catalog.doomed(None, 1000).await.unwrap()[..2]);
    let rest = catalog.doomed(Some(&first[1]), 2).await.unwrap();
    assert_eq!(rest, catalog.doomed(None, 1000).await.unwrap()[2..]);
    assert_eq!(catalog.doomed(Some(&rest[0]), 2).await.unwrap(), []);
    catalog.forget(&removed[..2]).await.unwrap();
    assert_eq!(doomed(catalog).await, removed[2..]);
    catalog.forget(&removed).await.unwrap();
    assert!(doomed(catalog).await.is_empty());
}

async fn what_is_referred_to_is_not_forgotten(catalog: &dyn Catalog) {
    let id = create_whole(catalog, &new_upload(None), 5).await.id;
    catalog.forget(&[BlobId(id.as_uuid())]).await.unwrap();
    assert_eq!(catalog.terminate(id).await.unwrap(), [BlobId(id.as_uuid())]);
}
