//! Object stores by their addresses: files here, and what speaks S3, by what the environment says of it.

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::object_store::{DefaultObjectStoreRegistry, ObjectStoreRegistry};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use std::sync::Arc;
use url::Url;

/// Stores, each opened when it is first asked for.
#[derive(Debug, Default)]
struct Stores(DefaultObjectStoreRegistry);

impl ObjectStoreRegistry for Stores {
    fn register_store(
        &self,
        url: &Url,
        store: Arc<dyn ObjectStore>,
    ) -> Option<Arc<dyn ObjectStore>> {
        self.0.register_store(url, store)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        if url.scheme() != "s3" {
            return self.0.get_store(url);
        }
        let root = Url::parse(&url[..url::Position::BeforePath])
            .map_err(|e| DataFusionError::External(Box::new(e)))?;
        if let Ok(known) = self.0.get_store(&root) {
            return Ok(known);
        }
        let bucket = root.host_str().unwrap_or_default();
        let store: Arc<dyn ObjectStore> =
            Arc::new(AmazonS3Builder::from_env().with_bucket_name(bucket).build()?);
        self.0.register_store(&root, Arc::clone(&store));
        Ok(store)
    }
}

/// Where the engine works: with these stores, and folders for what does not fit into memory.
pub(super) fn runtime(work: Option<&std::path::Path>) -> Result<Arc<RuntimeEnv>> {
    let builder = RuntimeEnvBuilder::new().with_object_store_registry(Arc::new(Stores::default()));
    match work {
        Some(folder) => builder.with_temp_file_path(folder).build_arc(),
        None => builder.build_arc(),
    }
}
