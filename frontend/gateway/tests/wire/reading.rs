//! Looks into what was made.

use super::*;

#[tokio::test]
async fn large_files_and_starts_of_them() {
    let large: Vec<u8> = (0..10 << 20).map(|index: u32| (index % 251) as u8).collect();
    let daemon = Daemon::default().with_file("local://a", "weights", large.clone());
    let (gateway, _) = connect(daemon, &[]).await;
    let reference = gateway.solve(&local("a").definition()).await.unwrap();
    assert_eq!(gateway.read_file(&reference, "weights").await.unwrap(), large);
    assert_eq!(gateway.read_start(&reference, "weights", 7).await.unwrap(), large[..7]);
    let missing = gateway.read_file(&reference, "nothing").await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
}

#[tokio::test]
async fn what_lies_where_something_else_is_to_be() {
    let paths = ["/src/llm.gguf", "/src/deep/er/main.py", "/src/flat", "/llm.bin"];
    let daemon = paths
        .into_iter()
        .fold(Daemon::default(), |daemon, path| daemon.with_file("local://a", path, ""));
    let (gateway, _) = connect(daemon, &[]).await;
    let reference = gateway.solve(&local("a").definition()).await.unwrap();
    let find = async |folder: &str, wanted: &[&str]| {
        let wanted = wanted.iter().map(|path| (*path).to_owned()).collect();
        let found = gateway.find(&reference, folder, wanted).await.unwrap();
        let found = found.into_iter().map(|(path, there)| format!("{path}: {there:?}"));
        found.collect::<Vec<_>>().join(", ")
    };
    let wanted = ["llm.gguf", "llm.bin", "deep/llm", "deep/er", "flat/llm", "new/llm"];
    assert_eq!(find("src", &wanted).await, "deep/er: Folder, flat/llm: Blocked, llm.gguf: File");
    assert_eq!(find("", &wanted).await, "llm.bin: File");
    assert_eq!(find("none", &wanted).await, "");
}

#[tokio::test]
async fn calls_run_at_the_same_time() {
    let daemon = Daemon { together: Barrier::new(3), ..Daemon::default() };
    let daemon = daemon.with_file("local://a", "x", "1");
    let (gateway, _) = connect(daemon, &[]).await;
    let reference = gateway.solve(&local("a").definition()).await.unwrap();
    let read = || gateway.read_file(&reference, "x");
    let reads = async { tokio::try_join!(read(), read(), read()) };
    let read = tokio::time::timeout(Duration::from_secs(10), reads).await;
    assert_eq!(read.unwrap().unwrap(), (b"1".to_vec(), b"1".to_vec(), b"1".to_vec()));
}

#[tokio::test]
async fn a_stream_that_ended_is_not_opened_again() {
    let (gateway, _, server) = greet(Daemon::default(), &[]).await;
    let gateway = gateway.unwrap();
    server.abort();
    let definition = local("a").definition();
    for _ in 0..2 {
        let asked = gateway.solve(&definition);
        let answer = tokio::time::timeout(Duration::from_secs(10), asked).await;
        assert!(answer.unwrap().is_err());
    }
}
