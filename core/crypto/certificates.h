// X.509 in PEM as TLS needs it. Within crypto only.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <botan/asn1_time.h>
#include <botan/pk_keys.h>
#include <botan/x509cert.h>

#include "base/result.h"
#include "base/time.h"
#include "crypto/secret.h"

namespace firedrill::crypto {

/// The library's point in wall time. Named after its function so that no clock is named: nothing here reads
/// one.
using LibraryTime = decltype(Botan::X509_Time().to_std_timepoint());
inline LibraryTime library_time(WallTime wall) {
    return LibraryTime(std::chrono::duration_cast<LibraryTime::duration>(Duration(wall.ns)));
}

/// 1–8 certificates, in the order of the text, of at most 64 KiB. bad_input names `what`.
Result<std::vector<Botan::X509_Certificate>> parse_certificates(std::string_view pem, std::string_view what);
/// An unencrypted PKCS#8 key in PEM. bad_input when it is none.
Result<std::shared_ptr<Botan::Private_Key>> parse_private_key(const Secret& pem);

}  // namespace firedrill::crypto
