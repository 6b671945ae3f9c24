//! What lies between the program and a server: certificates, and proxies from the environment.

use crate::common::program::{code, folder, json, plandeck, run_json, stderr, step};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

const PLAN: &str = "steps:\n  - {id: ask, tool: ask}\n";
/// Variables of this machine that lead elsewhere.
const OF_THE_NETWORK: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Reads a request, head and body; gives its first line.
fn request(stream: &mut impl Read) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).unwrap_or(0);
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if read <= 2 {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    head.lines().next().unwrap_or_default().to_owned()
}

fn answer(stream: &mut impl Write, body: &str) {
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.flush();
}

const COMPLETION: &str = r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}"#;

/// A server that does this with each connection; gives its port.
fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream);
        }
    });
    port
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls")
}

/// A server that answers over TLS with this certificate; gives its port, and how many connections there were.
fn secure(certificate: &str) -> (u16, Arc<AtomicUsize>) {
    secure_for(certificate, false)
}

/// The same; it may ask clients for a certificate of the authority.
fn secure_for(certificate: &str, asks_clients: bool) -> (u16, Arc<AtomicUsize>) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = certificates().join(format!("{certificate}.pem"));
    let chain = vec![CertificateDer::from_pem_file(chain).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificates().join("server.key")).unwrap();
    let config = rustls::ServerConfig::builder();
    let config = if asks_clients {
        let mut roots = rustls::RootCertStore::empty();
        let authority = certificates().join("authority.pem");
        roots
            .add(CertificateDer::from_pem_file(authority).unwrap())
            .unwrap();
        let verifier = rustls::server::WebPkiClientVerifier::builder(Arc::new(roots));
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let config = config.with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    let port = listen(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut tls = rustls::Stream::new(&mut connection, &mut stream);
        if !request(&mut tls).is_empty() {
            answer(&mut tls, COMPLETION);
        }
    });
    (port, connections)
}

/// Asks a model, or an `http` tool, with these variables; gives the exit code, the step, and what was said.
fn ask(tool: &str, base: &str, variables: &[(&str, &str)]) -> (i32, Value, String) {
    let tools = match tool {
        "model" => "tools:\n  ask: {type: model, description: Says yes.}\n".to_owned(),
        _ => format!(
            "tools:\n  ask: {{type: http, method: GET, url: '{base}/x', read_only: true}}\n"
        ),
    };
    let folder = folder("plan.yaml", PLAN, &tools);
    let mut command = plandeck();
    for name in OF_THE_NETWORK {
        command.env_remove(name);
    }
    let worker = if tool == "model" {
        vec!["--worker", "openai/gpt-4o-mini", "--base-url", base]
    } else {
        vec!["--worker", "offline"]
    };
    let output = command
        .current_dir(folder.path())
        .envs(variables.iter().copied())
        .env("OPENAI_API_KEY", "sk-of-the-network")
        .args(["run", "plan.yaml", "--trust", "--headless", "--json"])
        .args(worker)
        .output()
        .unwrap();
    let result = json(&output);
    (code(&output), step(&result, "ask").clone(), stderr(&output))
}

fn message(row: &Value) -> String {
    row["error"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn a_certificate_that_fails_is_told_with_its_remedy_and_not_asked_for_again() {
    let authority = certificates().join("authority.pem");
    let trusted = [("SSL_CERT_FILE", authority.to_str().unwrap())];
    for tool in ["model", "http"] {
        for (certificate, variables, says) in [
            ("server", &[][..], "SSL_CERT_FILE"),
            ("expired", &trusted[..], "has expired"),
            ("other-name", &trusted[..], "for another name"),
        ] {
            let (port, connections) = secure(certificate);
            let base = format!("https://127.0.0.1:{port}/v1");
            let (code, row, said) = ask(tool, &base, variables);
            assert_eq!(code, 1, "{certificate}: {said}");
            let message = message(&row);
            assert!(message.contains(says), "{tool}, {certificate}: {message}");
            assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
            if tool == "model" {
                assert!(message.contains("openai/gpt-4o-mini"), "{message}");
            }
            assert_eq!(row["attempts"], 1, "{message}");
            assert_eq!(connections.load(Ordering::SeqCst), 1, "{message}");
            assert_eq!(row["cost"], 0.0, "nothing was sent");
        }
    }
}

#[test]
fn the_remedy_of_an_unknown_issuer_works() {
    let (port, _) = secure("server");
    let authority = certificates().join("authority.pem");
    let variables = [("SSL_CERT_FILE", authority.to_str().unwrap())];
    let (code, row, said) = ask("model", &format!("https://127.0.0.1:{port}/v1"), &variables);
    assert_eq!(code, 0, "{said}");
    assert_eq!(row["output"], "yes");
}

#[test]
fn a_tool_may_bring_its_certificates() {
    let file = |name: &str| certificates().join(name).display().to_string();
    let (ca, cert, key) = (
        file("authority.pem"),
        file("client.pem"),
        file("server.key"),
    );
    let broken = tempfile::NamedTempFile::new().unwrap();
    let broken = broken.path().display();
    for (tls, says) in [
        (
            format!("{{ca: '{ca}', cert: '{cert}', key: '{key}'}}"),
            None,
        ),
        (
            format!("{{ca: '{ca}'}}"),
            Some("the server asks for a certificate of the client"),
        ),
        (
            format!("{{ca: '{broken}'}}"),
            Some("is not a certificate in PEM"),
        ),
        ("{ca: gone.pem}".to_owned(), Some("gone.pem cannot be read")),
        (
            format!("{{ca: '{ca}', cert: '{ca}', key: '{ca}'}}"),
            Some("are not a certificate and its private key"),
        ),
    ] {
        let (port, _) = secure_for("server", true);
        let tools = format!(
            "tools:\n  ask: {{type: http, method: GET, url: 'https://127.0.0.1:{port}/x', tls: {tls}}}\n"
        );
        let folder = folder("plan.yaml", PLAN, &tools);
        let (code, result) = run_json(&folder.path().join("plan.yaml"), &["--trust"]);
        let row = step(&result, "ask");
        match says {
            None => assert_eq!(code, 0, "{row}"),
            Some(says) => assert!(message(row).contains(says), "{tls}: {row}"),
        }
    }
    for (tls, says) in [
        ("{cert: a.pem}", "belong together"),
        ("{ca: 3}", "must be the name of a file"),
        ("{verify: false}", "has no"),
    ] {
        let tools =
            format!("tools:\n  ask: {{type: http, url: 'https://127.0.0.1:1/x', tls: {tls}}}\n");
        let folder = folder("plan.yaml", PLAN, &tools);
        let output = plandeck()
            .arg("check")
            .arg(folder.path().join("plan.yaml"))
            .output()
            .unwrap();
        assert_eq!(code(&output), 2);
        let said = format!(
            "{}{}",
            stderr(&output),
            String::from_utf8_lossy(&output.stdout)
        );
        assert!(said.contains(says), "{tls}: {said}");
    }
}

/// A proxy that answers by itself; gives its port and the first lines of the requests.
fn proxy(says: &'static str) -> (u16, Receiver<String>) {
    let (sender, lines) = channel();
    let port = listen(move |mut stream| {
        let line = request(&mut stream);
        let is_tunnel = line.starts_with("CONNECT");
        let _ = sender.send(line);
        if is_tunnel {
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n");
        } else {
            answer(&mut stream, says);
        }
    });
    (port, lines)
}

#[test]
fn a_proxy_of_the_environment_is_used() {
    for (tool, line) in [
        (
            "model",
            "POST http://models.example/v1/chat/completions HTTP/1.1",
        ),
        ("http", "GET http://models.example/v1/x HTTP/1.1"),
    ] {
        let (port, lines) = proxy(COMPLETION);
        let address = format!("http://127.0.0.1:{port}");
        let variables = [("HTTP_PROXY", &*address)];
        let (code, _, said) = ask(tool, "http://models.example/v1", &variables);
        assert_eq!(code, 0, "{said}");
        assert_eq!(lines.recv().unwrap(), line);
    }
    // An encrypted connection is asked of the proxy as a tunnel.
    let (port, lines) = proxy(COMPLETION);
    let address = format!("http://127.0.0.1:{port}");
    let variables = [("HTTPS_PROXY", &*address)];
    let (code, row, said) = ask("model", "https://models.example/v1", &variables);
    assert_eq!(code, 1, "{said}");
    assert_eq!(lines.recv().unwrap(), "CONNECT models.example:443 HTTP/1.1");
    let message = message(&row);
    assert!(
        message.contains(&address) && message.contains("HTTPS_PROXY"),
        "{message}"
    );
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_without_its_password() {
    for (variable, base) in [
        ("HTTP_PROXY", "http://models.example/v1"),
        ("https_proxy", "https://models.example/v1"),
        ("ALL_PROXY", "https://models.example/v1"),
    ] {
        for tool in ["model", "http"] {
            let port = closed_port();
            let address = format!("http://ada:lovelace-secret@127.0.0.1:{port}");
            let (code, row, said) = ask(tool, base, &[(variable, &address)]);
            assert_eq!(code, 1, "{said}");
            let message = message(&row);
            for part in [
                &format!("127.0.0.1:{port}") as &str,
                variable,
                "NO_PROXY",
                "models.example",
            ] {
                assert!(message.contains(part), "{part} is not in {message}");
            }
            assert!(!message.contains("lovelace-secret"), "{message}");
            assert!(!said.contains("lovelace-secret"), "{said}");
        }
    }
}

#[test]
fn a_host_that_no_proxy_is_for_is_reached_without_one() {
    let (port, lines) = proxy(COMPLETION);
    let address = format!("http://127.0.0.1:{port}");
    let variables = [("ALL_PROXY", &*address), ("NO_PROXY", "models.example")];
    let (code, row, _) = ask("model", "http://models.example/v1", &variables);
    // No such host exists, so the request fails by itself.
    assert_eq!(code, 1);
    let message = message(&row);
    assert!(!message.contains("proxy"), "{message}");
    assert!(lines.try_recv().is_err(), "the proxy was asked");
    // This machine is never reached through a proxy.
    let server = listen(|mut stream| {
        request(&mut stream);
        answer(&mut stream, COMPLETION);
    });
    let base = format!("http://127.0.0.1:{server}/v1");
    let (code, _, said) = ask("model", &base, &variables[..1]);
    assert_eq!(code, 0, "{said}");
    assert!(lines.try_recv().is_err(), "the proxy was asked");
}
