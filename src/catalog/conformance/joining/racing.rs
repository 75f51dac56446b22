use super::{LIMIT, TTL, final_of, join, own, part, partial, remove};
use crate::catalog::conformance::{append, create, doomed, last_bytes, race};
use crate::catalog::{Catalog, CatalogError};
use crate::domain::{PartFault, State};
use std::sync::Arc;

pub(super) async fn of_joins_at_once_one_counts(catalog: &Arc<dyn Catalog>) {
    let (a, b) = (part(&**catalog, 3).await, create(&**catalog, &partial(Some(1))).await.id);
    let waiting = join(&**catalog, &[a, b, a]).await.id;
    append(&**catalog, b, &last_bytes(0, 1)).await.unwrap();
    let joined = race(16, |_| {
        let catalog = catalog.clone();
        async move { catalog.join(waiting, LIMIT).await.unwrap() }
    })
    .await;
    assert!(joined.iter().all(|upload| upload == &joined[0] && upload.offset == 7));
    assert_eq!(catalog.extents(waiting, 0..7).await.unwrap().len(), 3);
    // Each blob was counted once.
    assert_eq!(remove(&**catalog, &[a, b]).await, []);
    assert_eq!(remove(&**catalog, &[waiting]).await.len(), 2);
}

pub(super) async fn joining_and_removing_a_part_at_once_lose_no_byte(catalog: &Arc<dyn Catalog>) {
    for _ in 0..20 {
        let (a, b) = (part(&**catalog, 3).await, part(&**catalog, 2).await);
        let new = final_of(&[a, b]);
        let outcomes = race(16, |n| {
            let (catalog, new) = (catalog.clone(), new.clone());
            async move {
                match n % 4 {
                    0 => catalog.create_final(&new, LIMIT, TTL).await.map(drop),
                    1 => catalog.terminate(b).await.map(drop),
                    2 => catalog.join(new.id, LIMIT).await.map(drop),
                    _ => catalog.terminate(a).await.map(drop),
                }
            }
        })
        .await;
        for outcome in outcomes {
            let known = matches!(
                outcome,
                Ok(())
                    | Err(CatalogError::BadPart { fault: PartFault::Missing, .. }
                        | CatalogError::Conflict(_)
                        | CatalogError::Gone
                        | CatalogError::NotFound)
            );
            assert!(known, "{outcome:?}");
        }
        let mut freed = doomed(&**catalog).await;
        match catalog.find(new.id).await {
            Ok(found) => {
                assert_eq!(found.upload.offset, 5);
                assert!(!freed.contains(&own(a)) && !freed.contains(&own(b)), "{freed:?}");
                freed.extend(catalog.terminate(new.id).await.unwrap());
            }
            Err(error) => assert!(matches!(error, CatalogError::NotFound), "{error:?}"),
        }
        assert!(freed.contains(&own(a)) && freed.contains(&own(b)), "{freed:?}");
        catalog.forget(&freed).await.unwrap();
    }
}

/// As the use-cases do it: who creates the final upload looks again afterwards, who completes a part asks for those it is in.
pub(super) async fn a_part_that_is_completed_at_any_moment_is_joined(catalog: &Arc<dyn Catalog>) {
    for _ in 0..20 {
        let (a, b) = (create(&**catalog, &partial(Some(2))).await.id, part(&**catalog, 2).await);
        let new = final_of(&[a, b]);
        race(2, |n| {
            let (catalog, new) = (catalog.clone(), new.clone());
            async move {
                if n == 0 {
                    catalog.create_final(&new, LIMIT, TTL).await.unwrap();
                    catalog.join(new.id, LIMIT).await.unwrap();
                    return;
                }
                append(&*catalog, a, &last_bytes(0, 2)).await.unwrap();
                for id in catalog.finals_of(a, 100).await.unwrap() {
                    catalog.join(id, LIMIT).await.unwrap();
                }
            }
        })
        .await;
        assert_eq!(catalog.find(new.id).await.unwrap().upload.state(), State::Complete);
        remove(&**catalog, &[a, b, new.id]).await;
    }
}
