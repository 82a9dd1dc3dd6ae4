#ifndef GEMMA_OPS_TD
#define GEMMA_OPS_TD
include "dialects/Gemma/GemmaModelOps.td"
include "dialects/Gemma/GemmaTensorOps.td"
include "dialects/Gemma/GemmaFusedOps.td"
include "dialects/Gemma/GemmaVisionOps.td"
include "dialects/Gemma/GemmaAudioOps.td"
include "dialects/Gemma/GemmaUnifiedOps.td"
include "dialects/Gemma/GemmaFunctionOps.td"
include "dialects/Gemma/GemmaStepOps.td"
include "dialects/Gemma/GemmaVisionSteps.td"
include "dialects/Gemma/GemmaAudioSteps.td"
include "dialects/Gemma/GemmaUnifiedSteps.td"
#endif // GEMMA_OPS_TD
