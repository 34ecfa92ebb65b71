#include "probes/tls.hpp"

#include "probes/public_roots.hpp"
#include "probes/tcp.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/child.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

namespace vnetprobe::tls_test {
namespace {

using namespace std::chrono_literals;
using test::Accepted;
using test::Identity;
using test::ScriptedServer;
using test::TemporaryDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::chrono::milliseconds patient = 20s;  // never reached where an answer comes
constexpr std::chrono::milliseconds silence = 200ms;
const std::string name = "acct.blob.core.windows.net";

std::string failure_of(const TlsObservation& seen) {
  return seen.error ? boost::describe::enum_to_string(*seen.error, "?") : "";
}

// The certificates of one imaginary company, and a context that trusts its root by a user's file.
struct World {
  Identity root{{.common_name = "Contoso Root", .organisation = "Contoso", .authority = true}};
  Identity intermediate =
      root.issue({.common_name = "Contoso Issuing CA", .organisation = "Contoso", .authority = true});
  Identity leaf = intermediate.issue({.common_name = name, .names = {"DNS:*.blob.core.windows.net", "DNS:blob.test"}});
  TemporaryDirectory files;

  std::string trusted = files.write("root.pem", root.certificate_pem()).string();
  std::string nothing = files.write("nothing.pem", "").string();
  TlsContext context = std::get<TlsContext>(TlsContext::make({.ca_files = {trusted}, .system_store = nothing}));
};

// `openssl s_server`, which answers every connection as `who` with `chain` (PEM) behind its certificate.
class Server {
 public:
  Server(const Identity& who, const std::string& chain, const std::vector<std::string>& more = {}) {
    const auto certificate = files_.write("leaf.pem", who.certificate_pem()).string();
    const auto key = files_.write("leaf.key", who.key_pem()).string();
    std::vector<std::string> command{"openssl", "s_server", "-accept",   "127.0.0.1:" + std::to_string(port),
                                     "-www",    "-cert",    certificate, "-key",
                                     key};
    if (!chain.empty()) command.insert(command.end(), {"-cert_chain", files_.write("chain.pem", chain).string()});
    command.insert(command.end(), more.begin(), more.end());
    child_.emplace(command);
    if (!child_->says("ACCEPT")) throw std::runtime_error("s_server: " + child_->said());
  }
  const std::uint16_t port = test::free_port();

 private:
  TemporaryDirectory files_;
  std::optional<test::Child> child_;
};

asio::awaitable<TlsResult> connect_tls(std::uint16_t port, TlsContext& context, TlsRequest request,
                                       std::chrono::milliseconds limit) {
  const Endpoint remote{"127.0.0.1", port};
  auto opened = co_await open_tcp(remote, patient);
  if (!opened.socket) throw std::runtime_error("nobody listens");
  auto result = co_await open_tls(std::move(*opened.socket), context, std::move(request), limit);
  co_return result;
}

TlsObservation handshake(std::uint16_t port, TlsContext& context, TlsRequest request = {.server_name = name},
                         std::chrono::milliseconds limit = patient) {
  asio::io_context io;
  auto result = test::run(io, connect_tls(port, context, std::move(request), limit));
  const bool ended = !result.seen.error || *result.seen.error == TlsFailure::unverified;
  EXPECT_EQ(result.stream != nullptr, ended);
  return std::move(result.seen);
}

TEST(Tls, ShowsAHealthyHandshakeWhole) {
  World world;
  for (const auto& [version, flag] : {std::pair{"TLSv1.2", "-tls1_2"}, std::pair{"TLSv1.3", "-tls1_3"}}) {
    const Server server(world.leaf, world.intermediate.certificate_pem(), {flag, "-alpn", "http/1.1"});
    const auto seen = handshake(server.port, world.context);
    EXPECT_EQ(failure_of(seen), "") << seen.verify_error.value_or(seen.detail.value_or(""));
    EXPECT_EQ(seen.version, version);
    EXPECT_THAT(seen.cipher.value_or(""), HasSubstr("AES"));
    EXPECT_EQ(seen.alpn, "http/1.1");
    EXPECT_EQ(seen.remote, (Endpoint{"127.0.0.1", server.port}));
    EXPECT_EQ(seen.sni, name);
    EXPECT_TRUE(seen.server_hello_received);
    EXPECT_FALSE(seen.client_certificate_requested || seen.alert_received);
    EXPECT_TRUE(seen.verified);
    EXPECT_EQ(seen.trust_anchor, TrustAnchor::user_file);
    EXPECT_EQ(seen.anchor_subject, "CN=Contoso Root,O=Contoso");
    EXPECT_GT(seen.duration, 0us);
    ASSERT_THAT(seen.chain, SizeIs(2));
    const auto& leaf = seen.chain[0];
    EXPECT_EQ(leaf.subject, "CN=" + name);
    EXPECT_EQ(leaf.issuer, "CN=Contoso Issuing CA,O=Contoso");
    EXPECT_EQ(leaf.issuer_organization, "Contoso");
    EXPECT_THAT(leaf.dns_names, ElementsAre("*.blob.core.windows.net", "blob.test"));
    EXPECT_THAT(leaf.sha256, SizeIs(64));
    EXPECT_FALSE(leaf.self_signed);
    EXPECT_LT(leaf.not_before, std::chrono::system_clock::now());
    EXPECT_GT(leaf.not_after, std::chrono::system_clock::now() + 200h);
  }
}

TEST(Tls, GoesOnAndSaysWhyVerificationFailed) {
  World world;
  const Identity stranger({.common_name = "Stranger Root", .organisation = "Stranger", .authority = true});
  const auto wish = [](std::chrono::hours from, std::chrono::hours until, std::string dns = name) {
    return test::CertificateWish{.common_name = "x", .names = {"DNS:" + dns}, .from = from, .until = until};
  };
  struct Case {
    std::string what;
    Identity leaf;
    std::string chain;
    int code, depth;
    std::size_t sent;
  };
  const auto middle = world.intermediate.certificate_pem();
  const auto stale = world.root.issue({.common_name = "Stale CA", .authority = true, .from = -48h, .until = -24h});
  std::vector<Case> cases;
  cases.push_back({"expired", world.intermediate.issue(wish(-48h, -1h)), middle, X509_V_ERR_CERT_HAS_EXPIRED, 0, 2});
  cases.push_back(
      {"not yet valid", world.intermediate.issue(wish(24h, 48h)), middle, X509_V_ERR_CERT_NOT_YET_VALID, 0, 2});
  cases.push_back(
      {"expired issuer", stale.issue(wish(-1h, 48h)), stale.certificate_pem(), X509_V_ERR_CERT_HAS_EXPIRED, 1, 2});
  cases.push_back({"wrong name", world.intermediate.issue(wish(-1h, 48h, "other.test")), middle,
                   X509_V_ERR_HOSTNAME_MISMATCH, 0, 2});
  cases.push_back(
      {"unknown issuer", stranger.issue(wish(-1h, 48h)), "", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0, 1});
  cases.push_back({"unknown root, sent along", stranger.issue(wish(-1h, 48h)), stranger.certificate_pem(),
                   X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1, 2});
  cases.push_back({"unknown issuer and wrong name: the chain counts", stranger.issue(wish(-1h, 48h, "other.test")), "",
                   X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0, 1});
  cases.push_back({"intermediate left out", world.intermediate.issue(wish(-1h, 48h)), "",
                   X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 0, 1});
  cases.push_back({"self-signed", Identity(wish(-1h, 48h)), "", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, 0, 1});
  for (const auto& c : cases) {
    const Server server(c.leaf, c.chain);
    const auto seen = handshake(server.port, world.context);
    EXPECT_EQ(failure_of(seen), "unverified") << c.what;
    EXPECT_EQ(seen.verify_code, c.code) << c.what << ": " << seen.verify_error.value_or("");
    EXPECT_EQ(seen.verify_depth, c.depth) << c.what;
    EXPECT_THAT(seen.verify_error.value_or(""), Not(IsEmpty())) << c.what;
    EXPECT_FALSE(seen.verified) << c.what;
    EXPECT_THAT(seen.chain, SizeIs(c.sent)) << c.what;
    EXPECT_EQ(seen.chain.front().self_signed, c.what == "self-signed") << c.what;
    EXPECT_EQ(seen.trust_anchor, c.what == "wrong name" ? TrustAnchor::user_file : TrustAnchor::none) << c.what;
    EXPECT_EQ(seen.version, "TLSv1.3") << c.what;
  }
}

// The first handshake's verdict is kept for the chain: the second must say the same, and another name is still wrong.
TEST(Tls, SaysTheSameOfAChainThatItHasSeenBefore) {
  World world;
  const Identity stranger({.common_name = "Stranger Root", .organisation = "Stranger", .authority = true});
  const auto unknown = stranger.issue({.common_name = "x", .names = {"DNS:" + name}});
  for (const Identity* leaf : std::initializer_list<const Identity*>{&world.leaf, &unknown}) {
    const Server server(*leaf, leaf == &world.leaf ? world.intermediate.certificate_pem() : "");
    const auto first = handshake(server.port, world.context);
    const auto second = handshake(server.port, world.context);
    EXPECT_EQ(second.verified, leaf == &world.leaf);
    EXPECT_EQ(second.verify_code, first.verify_code);
    EXPECT_EQ(second.verify_depth, first.verify_depth);
    EXPECT_EQ(second.trust_anchor, first.trust_anchor);
    EXPECT_EQ(second.anchor_subject, first.anchor_subject);
    EXPECT_EQ(second.publicly_trusted, first.publicly_trusted);
    ASSERT_EQ(second.chain.size(), first.chain.size());
    EXPECT_EQ(second.chain.front().sha256, first.chain.front().sha256);
    EXPECT_EQ(second.chain.front().subject, first.chain.front().subject);
  }
  const Server server(world.leaf, world.intermediate.certificate_pem());
  EXPECT_EQ(handshake(server.port, world.context, {.server_name = "other.test"}).verify_code,
            X509_V_ERR_HOSTNAME_MISMATCH);
}

TEST(Tls, SaysWhichStoreHoldsTheRoot) {
  World world;
  const Server server(world.leaf, world.intermediate.certificate_pem());
  const auto middle = world.files.write("middle.pem", world.intermediate.certificate_pem()).string();
  struct Case {
    std::vector<std::string> ca_files;
    std::string system_store;
    TrustAnchor anchor;
    std::string subject;
  };
  for (const auto& c :
       std::vector<Case>{{{}, world.trusted, TrustAnchor::system_store, "CN=Contoso Root,O=Contoso"},
                         {{world.trusted}, world.trusted, TrustAnchor::user_file, "CN=Contoso Root,O=Contoso"},
                         {{middle}, world.nothing, TrustAnchor::user_file, "CN=Contoso Issuing CA,O=Contoso"},
                         {{}, world.nothing, TrustAnchor::none, ""}}) {
    auto context = std::get<TlsContext>(TlsContext::make({.ca_files = c.ca_files, .system_store = c.system_store}));
    const auto seen = handshake(server.port, context);
    EXPECT_EQ(seen.trust_anchor, c.anchor);
    EXPECT_EQ(seen.anchor_subject.value_or(""), c.subject);
  }
}

std::string der_of(const Identity& identity) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(identity.certificate(), &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

// The public list plays Mozilla's part: with Contoso's root in it, and without.
TEST(Tls, HoldsTheChainAgainstThePublicAuthoritiesToo) {
  World world;
  const Identity stranger({.common_name = "Stranger Root", .authority = true});
  const auto knows = std::make_shared<const PublicRoots>(der_of(stranger) + der_of(world.root));
  const auto knows_not = std::make_shared<const PublicRoots>(der_of(stranger) + "cut off");
  EXPECT_EQ(knows->size(), 2U);
  EXPECT_EQ(knows_not->size(), 1U);
  const Server server(world.leaf, world.intermediate.certificate_pem());
  const Server alone(world.leaf, "");
  const auto seen = [&](const Server& of, const std::string& store, const auto& list,
                        std::vector<std::string> files = {}) {
    auto context = std::get<TlsContext>(
        TlsContext::make({.ca_files = std::move(files), .system_store = store, .public_roots = list}));
    return handshake(of.port, context);
  };
  EXPECT_EQ(seen(server, world.nothing, knows).publicly_trusted, true) << "this node's store lacks a public root";
  EXPECT_EQ(seen(server, world.nothing, knows_not).publicly_trusted, false);
  EXPECT_EQ(seen(alone, world.nothing, knows).publicly_trusted, false) << "the server keeps its intermediate";
  EXPECT_EQ(seen(server, world.trusted, knows).publicly_trusted, true);
  EXPECT_EQ(seen(server, world.trusted, knows_not).publicly_trusted, false) << "only this node knows that root";
  EXPECT_EQ(seen(server, world.nothing, knows_not, {world.trusted}).publicly_trusted, std::nullopt);
}

TEST(PublicRoots, OfTheBinaryAreReadWhole) { EXPECT_GE(PublicRoots::built_in().size(), 100U); }

TEST(Tls, ChecksAddressesByTheirOwnRules) {
  World world;
  const auto of_address = world.root.issue({.common_name = "ip", .names = {"IP:127.0.0.1", "IP:fd00::1"}});
  const Server server(of_address, "");
  const auto seen = handshake(server.port, world.context, {.server_name = "127.0.0.1"});
  EXPECT_EQ(failure_of(seen), "");
  EXPECT_EQ(seen.sni, "") << "an address is never sent as SNI";
  EXPECT_THAT(seen.chain.at(0).dns_names, ElementsAre("127.0.0.1", "fd00::1"));
  EXPECT_EQ(handshake(server.port, world.context, {.server_name = "127.0.0.2"}).verify_code,
            X509_V_ERR_IP_ADDRESS_MISMATCH);
}

TEST(Tls, DropsTheDotOfAnAbsoluteName) {
  World world;
  const Server server(world.leaf, world.intermediate.certificate_pem());
  const auto seen = handshake(server.port, world.context, {.server_name = name + "."});
  EXPECT_EQ(failure_of(seen), "");
  EXPECT_EQ(seen.sni, name);
}

TEST(Tls, KeepsTheAlertThatThePeerSent) {
  World world;
  struct Case {
    std::string what, alert;
    std::vector<std::string> flags;
    bool asked;
  };
  for (const auto& c : std::vector<Case>{
           {"client certificate required",
            "handshake_failure",
            {"-tls1_2", "-Verify", "1", "-verify_return_error"},
            true},
           {"TLS 1.1 only", "protocol_version", {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}, false},
           {"no cipher in common", "handshake_failure", {"-tls1_2", "-cipher", "ADH-AES128-SHA256:@SECLEVEL=0"}, false},
       }) {
    const Server server(world.leaf, world.intermediate.certificate_pem(), c.flags);
    const auto seen = handshake(server.port, world.context);
    EXPECT_EQ(failure_of(seen), "alert") << c.what << " " << seen.detail.value_or("");
    EXPECT_EQ(seen.alert_received, c.alert) << c.what;
    EXPECT_EQ(seen.client_certificate_requested, c.asked) << c.what;
  }
}

TEST(Tls, SeesTheRequestForAClientCertificateWhereTls13GoesOn) {
  World world;
  const Server server(world.leaf, world.intermediate.certificate_pem(),
                      {"-tls1_3", "-Verify", "1", "-verify_return_error"});
  const auto seen = handshake(server.port, world.context);
  EXPECT_EQ(failure_of(seen), "");
  EXPECT_TRUE(seen.client_certificate_requested);
}

TEST(Tls, TellsApartHowAHandshakeBreaks) {
  World world;
  using namespace std::string_literals;
  struct Case {
    std::string what;
    ScriptedServer::Script script;
    std::string failure, alert;
    std::chrono::milliseconds limit = patient;
  };
  const auto say = [](std::string bytes) {
    return [bytes](const Accepted& client) {
      client.read();
      client.write(bytes);
      client.wait_for_close();
    };
  };
  const auto say_and_close = [](std::string bytes) {
    return [bytes](const Accepted& client) {
      client.read();
      client.write(bytes);
    };
  };
  for (const auto& c : std::vector<Case>{
           {"closed after ClientHello", say_and_close(""), "closed", ""},
           {"reset after ClientHello",
            [](const Accepted& client) {
              client.read();
              client.reset_at_close();
            },
            "reset", ""},
           {"silent", say(""), "timed_out", "", silence},
           {"an HTTP answer", say("HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol", ""},
           {"an SSH banner", say("SSH-2.0-OpenSSH_9.2\r\n"), "protocol", ""},
           {"a bare alert", say("\x15\x03\x03\x00\x02\x02\x28"s), "alert", "handshake_failure"},
           {"an alert for the name", say_and_close("\x15\x03\x03\x00\x02\x02\x70"s), "alert", "unrecognized_name"},
           {"an alert nobody knows", say("\x15\x03\x03\x00\x02\x02\xee"s), "alert", "unknown"},
           {"half a record, then the end", say_and_close("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"s), "closed",
            ""},
           {"half a record, then silence", say("\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03"s), "timed_out", "",
            silence},
           {"a record over the limit", say("\x16\x03\x03\xff\xff"s + std::string(0xffff, 'x')), "protocol", ""},
           {"zeroes", say(std::string(100'000, '\0')), "protocol", ""},
       }) {
    const ScriptedServer server(c.script);
    const auto seen = handshake(server.port(), world.context, {.server_name = name}, c.limit);
    EXPECT_EQ(failure_of(seen), c.failure) << c.what << ": " << seen.detail.value_or("");
    EXPECT_EQ(seen.alert_received.value_or(""), c.alert) << c.what;
    EXPECT_FALSE(seen.server_hello_received) << c.what;
    EXPECT_FALSE(seen.version || seen.verified) << c.what;
    EXPECT_EQ(seen.sni, name) << c.what;
    EXPECT_GT(seen.duration, 0us) << c.what;
  }
}

TEST(Tls, BoundsAChainOfFifty) {
  World world;
  std::vector<Identity> line;
  line.push_back(world.root.issue({.common_name = "CA 0", .authority = true}));
  for (int n = 1; n < 49; ++n)
    line.push_back(line.back().issue({.common_name = "CA " + std::to_string(n), .authority = true}));
  std::string chain;
  for (auto each = line.rbegin(); each != line.rend(); ++each) chain += each->certificate_pem();
  const Server server(line.back().issue({.common_name = name, .names = {"DNS:" + name}}), chain);
  const auto seen = handshake(server.port, world.context);
  EXPECT_EQ(failure_of(seen), "") << seen.verify_error.value_or("");
  EXPECT_THAT(seen.chain, SizeIs(10));
  EXPECT_EQ(seen.chain_left_out, 40);
}

TEST(Tls, RefusesAChainThatIsTooLong) {
  World world;
  std::string chain;
  for (int n = 0; n < 400; ++n) chain += world.intermediate.certificate_pem();
  const Server server(world.leaf, chain);
  const auto seen = handshake(server.port, world.context);
  EXPECT_EQ(failure_of(seen), "protocol");
  EXPECT_THAT(seen.detail.value_or(""), HasSubstr("excessive message size"));
  EXPECT_TRUE(seen.server_hello_received);
}

TEST(Tls, MakesForeignNamesPrintableAndBoundsThem) {
  World world;
  test::CertificateWish wish{.common_name = "Z\xC3\xBCrich \x1B[31m", .organisation = "Evil, Inc.\n"};
  for (int n = 0; n < 30; ++n) wish.names.push_back("DNS:n" + std::to_string(n) + ".test");
  const Server server(world.root.issue(wish), "");
  const auto leaf = handshake(server.port, world.context, {.server_name = "n29.test"}).chain.at(0);
  EXPECT_EQ(leaf.subject, "CN=Z\xC3\xBCrich \\1B[31m,O=Evil\\, Inc.\\0A");
  EXPECT_EQ(leaf.subject_organization, "Evil, Inc.\\x0a");
  EXPECT_THAT(leaf.dns_names, SizeIs(20));
  EXPECT_EQ(leaf.dns_names_left_out, 10);
}

TEST(Tls, LeavesTheStreamUsable) {
  World world;
  const Server server(world.leaf, world.intermediate.certificate_pem());
  asio::io_context io;
  const auto talk = [](std::uint16_t port, TlsContext& context) -> asio::awaitable<std::string> {
    TlsRequest wanted{.server_name = name};
    auto result = co_await connect_tls(port, context, std::move(wanted), patient);
    const std::string request = "GET / HTTP/1.0\r\n\r\n";
    co_await asio::async_write(*result.stream, asio::buffer(request), asio::use_awaitable);
    std::string answer(64, '\0');
    const auto size = co_await result.stream->async_read_some(asio::buffer(answer), asio::use_awaitable);
    answer.resize(size);
    co_return answer;
  };
  EXPECT_THAT(test::run(io, talk(server.port, world.context)), HasSubstr("HTTP/1.0 200"));
}

TEST(Tls, AnOuterCancellationIsNoFaultOfThePeer) {
  World world;
  asio::io_context io;
  asio::cancellation_signal interrupt;
  const ScriptedServer server([&](const Accepted& client) {
    client.read();
    asio::post(io, [&] { interrupt.emit(asio::cancellation_type::terminal); });
    client.wait_for_close();
  });
  std::optional<TlsObservation> seen;
  asio::co_spawn(
      io, connect_tls(server.port(), world.context, {.server_name = name}, patient),
      asio::bind_cancellation_slot(interrupt.slot(), [&](const std::exception_ptr& thrown, TlsResult result) {
        if (!thrown) seen = std::move(result.seen);
      }));
  io.run();
  ASSERT_TRUE(seen);
  EXPECT_EQ(failure_of(*seen), "timed_out");
}

TEST(TlsContext, SaysWhatIsWrongWithACaFile) {
  const World world;
  const auto der = [&] {
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(world.root.certificate(), &bytes);
    const std::string result(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return result;
  }();
  const auto pem = world.root.certificate_pem();
  struct Case {
    std::string path, complaint;
  };
  for (const auto& c : std::vector<Case>{
           {(world.files.path() / "missing.pem").string(), "No such file"},
           {world.files.path().string(), "Is a directory"},
           {world.nothing, "no PEM certificate"},
           {world.files.write("ca.der", der).string(), "no PEM certificate"},
           {world.files.write("key.pem", world.root.key_pem()).string(), "no PEM certificate"},
           {world.files.write("garbage.pem", std::string(100'000, '\xEE')).string(), "no PEM certificate"},
           {world.files.write("broken.pem", pem + pem.substr(0, pem.size() / 2)).string(), "certificate 2"},
           {world.files.write("first.pem", pem.substr(0, pem.size() / 2)).string(), "certificate 1"},
           {"/dev/zero", "larger than"},
       }) {
    const auto made = TlsContext::make({.ca_files = {c.path}, .system_store = world.nothing});
    const auto* problem = std::get_if<std::string>(&made);
    ASSERT_NE(problem, nullptr) << c.path;
    EXPECT_THAT(*problem, HasSubstr(c.path));
    EXPECT_THAT(*problem, HasSubstr(c.complaint));
  }
}

TEST(TlsContext, TakesEveryCertificateOfAFileWhateverStandsBetween) {
  World world;
  const Identity other({.common_name = "Other", .authority = true});
  const auto bundle =
      world.files.write("bundle.pem", "# Other\n" + other.certificate_pem() + other.key_pem() + "\n# Contoso\r\n" +
                                          other.certificate_pem() + world.root.certificate_pem());
  auto context = std::get<TlsContext>(TlsContext::make({.ca_files = {bundle.string()}, .system_store = world.nothing}));
  const Server server(world.leaf, world.intermediate.certificate_pem());
  EXPECT_EQ(handshake(server.port, context).trust_anchor, TrustAnchor::user_file);
}

}  // namespace
}  // namespace vnetprobe::tls_test
