// What cached answers about clients depend on.

export const clientTag = (id: string) => `client:${id}`

/** Of every list of one therapist's clients. */
export const clientsTag = (therapistId: string) => `clients:${therapistId}`
