use super::{create, create_whole, new_upload};
use crate::catalog::Catalog;
use crate::domain::{FileName, Listing, NewUpload, SortKey, Upload};

pub(super) async fn all(catalog: &dyn Catalog) {
    an_empty_list_has_no_next_page(catalog).await;
    every_order_is_paged_through_once(catalog).await;
    a_search_is_literal_and_in_any_case(catalog).await;
    incomplete_uploads_are_listed_when_asked_for(catalog).await;
    for upload in pages(catalog, &Listing { incomplete_too: true, ..newest(100) }).await {
        catalog.terminate(upload.id).await.unwrap();
    }
}

fn newest(limit: u32) -> Listing {
    Listing {
        limit,
        after: None,
        search: String::new(),
        sort: SortKey::Created,
        descending: true,
        incomplete_too: false,
    }
}

fn named(name: &str) -> NewUpload {
    NewUpload { filename: FileName::clean(name), ..new_upload(None) }
}

/// All pages, one after another.
async fn pages(catalog: &dyn Catalog, listing: &Listing) -> Vec<Upload> {
    let (mut all, mut listing) = (Vec::new(), listing.clone());
    loop {
        let page = catalog.list(&listing).await.unwrap();
        assert!(page.uploads.len() <= listing.limit as usize);
        assert!(page.next.is_none() || page.uploads.len() == listing.limit as usize);
        all.extend(page.uploads);
        listing.after = page.next;
        if listing.after.is_none() {
            return all;
        }
    }
}

pub(super) async fn an_upload_can_be_listed(catalog: &dyn Catalog) {
    let upload = create_whole(catalog, &named("listed"), 5).await;
    assert_eq!(catalog.list(&newest(1)).await.unwrap().uploads, [upload]);
}

async fn an_empty_list_has_no_next_page(catalog: &dyn Catalog) {
    let page = catalog.list(&newest(10)).await.unwrap();
    assert_eq!((page.uploads, page.next), (Vec::new(), None));
}

async fn every_order_is_paged_through_once(catalog: &dyn Catalog) {
    let mut uploads = Vec::new();
    // Names and sizes repeat, so that the id has to break ties; names differ in case.
    for (name, size) in [("b", 3), ("B", 1), ("a", 3), ("c", 3), ("Ä", 0), ("a", 2), ("ä", 9)] {
        uploads.push(create_whole(catalog, &named(name), size).await);
    }
    create(catalog, &named("incomplete")).await;
    for sort in [SortKey::Created, SortKey::Name, SortKey::Size] {
        uploads.sort_by_key(|upload| match sort {
            SortKey::Created => (String::new(), 0, upload.id),
            SortKey::Name => (upload.filename.as_str().to_lowercase(), 0, upload.id),
            SortKey::Size => (String::new(), upload.offset, upload.id),
        });
        for descending in [false, true] {
            for limit in 1..=8 {
                let found = pages(catalog, &Listing { sort, descending, ..newest(limit) }).await;
                assert_eq!(found, uploads, "by {sort:?}, descending {descending}, {limit} a page");
            }
            uploads.reverse();
        }
    }
}

async fn a_search_is_literal_and_in_any_case(catalog: &dyn Catalog) {
    for name in
        ["100% sure.txt", "100 sure.txt", "snake_case.rs", "snakeXcase.rs", "back.txt", "ÉTÉ 文件.bin"]
    {
        create_whole(catalog, &named(name), 1).await;
    }
    // A name cannot have a backslash, but what is searched for can.
    let cases: [(&str, &[&str]); 9] = [
        ("100%", &["100% sure.txt"]),
        ("e_c", &["snake_case.rs"]),
        ("SNAKE_", &["snake_case.rs"]),
        (r"snake\_case", &[]),
        (r"\", &[]),
        ("été", &["ÉTÉ 文件.bin"]),
        ("文件", &["ÉTÉ 文件.bin"]),
        ("'; DROP TABLE uploads; --", &[]),
        ("nul\0byte", &[]),
    ];
    for sort in [SortKey::Created, SortKey::Name, SortKey::Size] {
        for (search, names) in cases {
            let found = pages(catalog, &Listing { sort, search: search.into(), ..newest(1) }).await;
            let found: Vec<_> = found.iter().map(|upload| upload.filename.as_str()).collect();
            assert_eq!(found, names, "{search:?}");
        }
    }
}

async fn incomplete_uploads_are_listed_when_asked_for(catalog: &dyn Catalog) {
    let incomplete = create(catalog, &named("still incomplete")).await;
    for sort in [SortKey::Created, SortKey::Name, SortKey::Size] {
        let listing = Listing { sort, search: "still".into(), ..newest(10) };
        assert_eq!(pages(catalog, &listing).await, []);
        let all = Listing { incomplete_too: true, ..listing };
        assert_eq!(pages(catalog, &all).await, std::slice::from_ref(&incomplete));
    }
}
