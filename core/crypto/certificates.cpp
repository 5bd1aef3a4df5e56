#include "crypto/certificates.h"

#include <botan/data_src.h>
#include <botan/dns_name.h>
#include <botan/ec_group.h>
#include <botan/ecdsa.h>
#include <botan/hex.h>
#include <botan/ipv4_address.h>
#include <botan/ipv6_address.h>
#include <botan/pkcs8.h>
#include <botan/pubkey.h>
#include <botan/version.h>
#include <botan/x509_ca.h>
#include <botan/x509_ext.h>

#include "base/check.h"
#include "crypto/botan_rng.h"
#include "crypto/tls.h"

namespace firedrill::crypto {
namespace {

namespace extension = Botan::Cert_Extension;

constexpr std::size_t kMostCertificates = 8;
constexpr std::size_t kLargestPem = 65536;
constexpr std::size_t kLongestCommonName = 64;
constexpr Duration kBackdated = 24h;
constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

/// A key pair that signs certificates of its own name.
struct Issuer {
    const Botan::Private_Key& key;
    Botan::X509_DN name;
    std::unique_ptr<Botan::PK_Signer> signer;
};

std::unique_ptr<Botan::Certificate_Extension> subject_key_id(const Botan::Public_Key& key) {
    return std::make_unique<extension::Subject_Key_ID>(key);
}

/// What both certificates have: who is meant, who signed, and what the key may do.
Botan::Extensions common_extensions(const Botan::Public_Key& subject, const Botan::Public_Key& issuer,
                                    bool is_authority) {
    using Usage = Botan::Key_Constraints;
    Botan::Extensions out;
    out.add(std::make_unique<extension::Basic_Constraints>(
                is_authority, is_authority ? std::optional<std::size_t>(0) : std::optional<std::size_t>()),
            true);
    out.add(std::make_unique<extension::Key_Usage>(is_authority ? Usage(Usage::KeyCertSign | Usage::CrlSign)
                                                                : Usage(Usage::DigitalSignature)),
            true);
    out.add(subject_key_id(subject));
    out.add(std::make_unique<extension::Authority_Key_ID>(extension::Subject_Key_ID(issuer).get_key_id()));
    return out;
}

Botan::AlternativeName alternative_names(std::span<const std::string> names) {
    Botan::AlternativeName out;
    for (const std::string& name : names) {
        if (const auto v4 = Botan::IPv4Address::from_string(name)) {
            out.add_ipv4_address(*v4);
        } else if (const auto v6 = Botan::IPv6Address::from_string(name)) {
            out.add_ipv6_address(*v6);
        } else {
            out.add_dns(name);
        }
    }
    return out;
}

Botan::X509_Certificate issue(const Issuer& issuer, const Botan::Public_Key& subject,
                              const Botan::X509_DN& subject_name, const Botan::Extensions& extensions,
                              WallTime now, Duration validity, Botan::RandomNumberGenerator& rng) {
    const WallTime from = now + -kBackdated;
    return Botan::X509_CA::make_cert(*issuer.signer, rng, issuer.signer->algorithm_identifier(),
                                     subject.subject_public_key(), Botan::X509_Time(library_time(from)),
                                     Botan::X509_Time(library_time(from + validity)), issuer.name,
                                     subject_name, extensions);
}

Secret private_key_pem(const Botan::Private_Key& key) {
    std::string pem = Botan::PKCS8::PEM_encode(key);
    Secret out{as_bytes(pem)};
    zeroise(pem);
    return out;
}

Issuer make_issuer(const Botan::Private_Key& key, Botan::X509_DN name, Botan::RandomNumberGenerator& rng) {
    return {key, std::move(name), Botan::X509_Object::choose_sig_format(key, rng, "SHA-256", "")};
}

ServerCertificate issue_for(const Issuer& issuer, const std::string& authority_pem,
                            std::span<const std::string> names, WallTime now, Duration validity,
                            Botan::RandomNumberGenerator& rng, const Botan::ECDSA_PrivateKey& key) {
    Botan::Extensions extensions = common_extensions(key, issuer.key, false);
    extensions.add(std::make_unique<extension::Extended_Key_Usage>(
        std::vector<Botan::OID>{Botan::OID::from_string("PKIX.ServerAuth")}));
    extensions.add(std::make_unique<extension::Subject_Alternative_Name>(alternative_names(names)));
    const std::string& first = names.front();
    const Botan::X509_DN name{
        {"X520.CommonName", first.size() <= kLongestCommonName ? first : "Firedrill server"}};
    const Botan::X509_Certificate made = issue(issuer, key, name, extensions, now, validity, rng);
    return {made.PEM_encode() + authority_pem, private_key_pem(key)};
}

void check_names(std::span<const std::string> names, Duration validity) {
    CHECK(!names.empty());
    CHECK(validity <= kLongestServerValidity);
    for (const std::string& name : names) {
        CHECK(is_certificate_name(name));
    }
}

}  // namespace

bool is_certificate_name(std::string_view name) {
    return Botan::IPv4Address::from_string(name).has_value() ||
           Botan::IPv6Address::from_string(name).has_value() || Botan::DNSName::from_string(name).has_value();
}

DevelopmentCertificates make_development_certificates(std::span<const std::string> names, WallTime now,
                                                      Entropy& entropy, Duration validity) {
    check_names(names, validity);
    EntropyRng rng(entropy);
    const auto group = Botan::EC_Group::from_name("secp256r1");
    const Botan::ECDSA_PrivateKey authority_key(rng, group);
    const Botan::ECDSA_PrivateKey server_key(rng, group);
    std::array<Byte, 4> suffix;
    entropy.fill(suffix);
    // The suffix keeps the authorities of several installations apart in one browser.
    const Issuer issuer = make_issuer(
        authority_key,
        Botan::X509_DN{{"X520.CommonName", "Firedrill development authority " + to_hex(suffix)}}, rng);
    const Botan::X509_Certificate authority =
        issue(issuer, authority_key, issuer.name, common_extensions(authority_key, authority_key, true), now,
              kAuthorityValidity, rng);
    DevelopmentCertificates out;
    out.authority_pem = authority.PEM_encode();
    out.authority_key_pem = private_key_pem(authority_key);
    ServerCertificate server = issue_for(issuer, out.authority_pem, names, now, validity, rng, server_key);
    out.chain_pem = std::move(server.chain_pem);
    out.server_key_pem = std::move(server.key_pem);
    return out;
}

Result<ServerCertificate> issue_server_certificate(std::string_view authority_pem,
                                                   const Secret& authority_key_pem,
                                                   std::span<const std::string> names, WallTime now,
                                                   Duration validity, Entropy& entropy) {
    check_names(names, validity);
    const auto authority = TRY(parse_certificates(authority_pem, "The authority's certificate"));
    const auto key = TRY(parse_private_key(authority_key_pem));
    if (key->subject_public_key() != authority.front().subject_public_key_info()) {
        return Error{Fault::bad_input, "The authority's key does not belong to its certificate; check both."};
    }
    EntropyRng rng(entropy);
    const Botan::ECDSA_PrivateKey server_key(rng, Botan::EC_Group::from_name("secp256r1"));
    const Issuer issuer = make_issuer(*key, authority.front().subject_dn(), rng);
    return issue_for(issuer, std::string(authority_pem), names, now, validity, rng, server_key);
}

Result<Validity> certificate_validity(std::string_view pem) {
    const auto found = TRY(parse_certificates(pem, "The certificate"));
    const auto wall = [](const Botan::X509_Time& time) {
        return WallTime{
            std::chrono::duration_cast<Duration>(time.to_std_timepoint().time_since_epoch()).count()};
    };
    return Validity{wall(found.front().not_before()), wall(found.front().not_after())};
}

Result<std::vector<Botan::X509_Certificate>> parse_certificates(std::string_view pem, std::string_view what) {
    const Error malformed{Fault::bad_input,
                          std::string(what) + " is not 1 to 8 certificates in PEM; check the file."};
    if (pem.size() > kLargestPem) {
        return malformed;
    }
    std::vector<Botan::X509_Certificate> out;
    while (true) {
        const std::size_t begin = pem.find(kBegin);
        if (begin == std::string_view::npos) {
            break;
        }
        const std::size_t end = pem.find(kEnd, begin);
        if (end == std::string_view::npos || out.size() == kMostCertificates) {
            return malformed;
        }
        try {
            Botan::DataSource_Memory source(pem.substr(begin, end + kEnd.size() - begin));
            out.emplace_back(source);
        } catch (const Botan::Exception&) {
            return malformed;
        }
        pem.remove_prefix(end + kEnd.size());
    }
    if (out.empty()) {
        return malformed;
    }
    return out;
}

Result<std::shared_ptr<Botan::Private_Key>> parse_private_key(const Secret& pem) {
    try {
        Botan::DataSource_Memory source(pem.view());
        return std::shared_ptr<Botan::Private_Key>(Botan::PKCS8::load_key(source));
    } catch (const Botan::Exception&) {
        return Error{Fault::bad_input,
                     "The TLS key is not an unencrypted PKCS#8 key in PEM; check the file."};
    }
}

std::string library_version() {
    return Botan::short_version_string().insert(0, "Botan ");
}

}  // namespace firedrill::crypto
