// The published definitions of the built-in forms, as FHIR R4 Questionnaire JSON.
#pragma once

namespace firedrill::forms {

/// Patient Health Questionnaire 9 (Spitzer, Williams, Kroenke; public domain), coded with LOINC panel
/// 44249-1.
extern const char* const kPhq9;
/// What a physical therapist asks before a first visit; our own wording.
extern const char* const kPtIntake;

}  // namespace firedrill::forms
